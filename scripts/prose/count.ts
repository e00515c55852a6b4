import ts from "typescript";

/** A comment that opens with a slash and two stars. */
export interface DocComment {
  file: string;
  /** Line on which the comment opens, counted from 1. */
  line: number;
  /** Text without the delimiters and without the stars at the margin. */
  text: string;
}

/** First words that promise a clause, not a sentence: such a comment has no subject or no verb. */
export const REFUSED_OPENINGS: readonly string[] = ["What", "Where", "Of", "Has", "How"];

/** Returns the doc comments of a TypeScript file, in its order. */
export function docComments(file: string, source: string): DocComment[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest);
  return commentRanges(parsed)
    .map(({ pos, end }) => ({ pos, comment: source.slice(pos, end) }))
    .filter(({ comment }) => /^\/\*\*[^*/]/.test(comment))
    .map(({ pos, comment }) => ({
      file,
      line: parsed.getLineAndCharacterOfPosition(pos).line + 1,
      text: textOf(comment),
    }));
}

/** Checks whether a comment begins with one of {@link REFUSED_OPENINGS}, in any case. */
export function opensBadly({ text }: DocComment): boolean {
  const [first] = /^\p{L}*/u.exec(text) ?? [""];
  return REFUSED_OPENINGS.some((word) => word.toLowerCase() === first.toLowerCase());
}

/** Returns every comment once, though it may trail one token and lead the next. */
function commentRanges(file: ts.SourceFile): ts.CommentRange[] {
  const found = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    const leading = ts.getLeadingCommentRanges(file.text, node.pos) ?? [];
    const trailing = ts.getTrailingCommentRanges(file.text, node.end) ?? [];
    for (const range of [...leading, ...trailing]) found.set(range.pos, range);
    node.getChildren(file).filter(isCode).forEach(visit);
  };
  visit(file);
  return [...found.values()].sort((a, b) => a.pos - b.pos);
}

/** Tells code from the nodes that the parser makes of a doc comment's inside. */
function isCode({ kind }: ts.Node): boolean {
  return kind < ts.SyntaxKind.FirstJSDocNode || kind > ts.SyntaxKind.LastJSDocNode;
}

function textOf(comment: string): string {
  return comment
    .slice("/**".length, -"*/".length)
    .replace(/^[ \t]*\* ?/gm, "")
    .trim();
}
