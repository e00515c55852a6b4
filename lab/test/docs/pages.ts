import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

import GithubSlugger from "github-slugger";
import { lexer, walkTokens, type Token, type Tokens } from "marked";

export const ROOT = path.join(__dirname, "../../..");

/** A fenced block. */
export interface Block {
  /** The page and the anchor of the heading above it, as docs/sdk.md#logs. */
  section: string;
  language: string;
  text: string;
}

/** A Markdown page of the repository. */
export interface Page {
  /** From the root. */
  file: string;
  /** The anchors of its headings, as GitHub makes them. */
  anchors: Set<string>;
  /** Targets of links and images. */
  links: string[];
  /** Texts between single backticks. */
  spans: string[];
  blocks: Block[];
}

/** Lists the files that git tracks. */
export function trackedFiles(...patterns: string[]): string[] {
  return execFileSync("git", ["ls-files", ...patterns], { cwd: ROOT, encoding: "utf8" })
    .trim()
    .split("\n");
}

/** Reads every Markdown page that git tracks. */
export function readPages(): Page[] {
  return trackedFiles("*.md").map((file) => parsePage(file, readFileSync(path.join(ROOT, file), "utf8")));
}

/** Parses a page. */
export function parsePage(file: string, text: string): Page {
  const slugger = new GithubSlugger();
  const page: Page = { file, anchors: new Set(), links: [], spans: [], blocks: [] };
  let section = file;
  void walkTokens(lexer(text), (token: Token) => {
    if (token.type === "heading") {
      const anchor = slugger.slug((token as Tokens.Heading).text);
      page.anchors.add(anchor);
      section = `${file}#${anchor}`;
    } else if (token.type === "link" || token.type === "image") {
      page.links.push((token as Tokens.Link).href);
    } else if (token.type === "codespan") {
      page.spans.push((token as Tokens.Codespan).text);
    } else if (token.type === "code") {
      const { lang, text: code } = token as Tokens.Code;
      page.blocks.push({ section, language: lang ?? "", text: code });
    }
  });
  return page;
}
