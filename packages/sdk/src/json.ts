/** Renders a document as indented JSON with bigints as decimal strings, the form of all files and outputs. */
export function toJson(document: unknown): string {
  return JSON.stringify(document, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2);
}
