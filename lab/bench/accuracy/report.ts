import { TARGET, type Row } from "./measure";

/** Images that a worker trains in a second, about what one core does by npm run bench:training. */
const SPEED = 68_000;

/** Bytes a second of a worker's line of 10 Mbit/s. */
const LINE = 1_250_000;

/** Returns the rows as a table of Markdown: it depends on the seeds alone, so that a document can be held to it. */
export function markdownOf(rows: readonly Row[]): string {
  const heads = ["workers", "steps", "sent as", "rounds", "images", "images a worker", "MB", "s", "s at 10 Mbit/s"];
  const cells = rows.map(({ workers, steps, transfer, median }) => {
    const division = [String(workers), String(steps), transfer];
    if (median === undefined) return [...division, `${100 * TARGET} % not touched`, "", "", "", "", ""];
    const { rounds, images, bytes } = median;
    // One worker alone sends nothing
    const sent = workers === 1 ? 0 : bytes;
    const computing = images / workers / SPEED;
    const figures = [rounds, images, images / workers].map((each) => Math.round(each).toLocaleString("en"));
    const seconds = [computing, computing + sent / workers / LINE].map((each) => each.toFixed(1));
    return [...division, ...figures, (sent / 1e6).toFixed(1), ...seconds];
  });
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (i === 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (i === 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(heads), rule, ...cells.map(line)].join("\n");
}
