/** Rows of text under a title. */
export interface Table {
  readonly title: string;
  /** Columns that begin with ">" are aligned to the right. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Returns the tables in Markdown, as prettier lays them out. */
export function toMarkdown(tables: readonly Table[]): string {
  return tables.map((table) => `### ${table.title}\n\n${markdownOf(table)}`).join("\n\n");
}

/** Returns a table without its title. */
export function markdownOf({ columns, rows }: Table): string {
  const isRight = columns.map((column) => column.startsWith(">"));
  const titles = columns.map((column) => column.replace(/^>/, ""));
  const widths = titles.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (isRight[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(" | ")} |`;
  const rule = widths.map((width, i) => (isRight[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(titles), line(rule), ...rows.map(line)].join("\n");
}

/** Formats a share in percent, small ones by their power of ten. */
export function share(value: number): string {
  if (value >= 0.001) return `${(100 * value).toFixed(1)} %`;
  return value === 0 ? "0" : `${(100 * value).toExponential(0)} %`;
}
