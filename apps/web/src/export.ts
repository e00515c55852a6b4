import { save } from "./download";

/** Renders rows as CSV (RFC 4180) below the names of their columns. */
export function csvOf(rows: readonly Record<string, string | null>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => names.map((name) => quoted(row[name] ?? "")).join(","));
  return `${[names.map(quoted).join(","), ...lines].join("\r\n")}\r\n`;
}

/** Hands rows to the browser as a file. */
export function saveCsv(name: string, rows: readonly Record<string, string | null>[]): void {
  save(name, new Blob([csvOf(rows)], { type: "text/csv" }));
}

/** What others wrote must not become a formula where the file is opened. */
function quoted(text: string): string {
  const harmless = /^[=+@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replace(/"/g, '""')}"` : harmless;
}
