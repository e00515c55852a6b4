/** A cell in quotation marks, in which two of them stand for one, or a plain cell; then a comma or the end. */
const CELL = /[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|([^",]*))(,|$)/y;

/** Returns the cells of a line of CSV as RFC 4180 has them, or the reason why it is none. */
export function parseCsvLine(line: string): string[] | string {
  const cells: string[] = [];
  for (let at = 0; ;) {
    CELL.lastIndex = at;
    const match = CELL.exec(line);
    if (match === null) return `cell ${cells.length + 1} has a quotation mark that is not closed, or within a cell`;
    const [all, quoted, plain, end] = match as unknown as [string, string | undefined, string, string];
    cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    if (end === "") return cells;
    at += all.length;
  }
}
