/** Renders a document as our files and outputs have it: indented JSON, bigints as decimal strings. */
export function toJson(document: unknown): string {
  return JSON.stringify(document, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2);
}
