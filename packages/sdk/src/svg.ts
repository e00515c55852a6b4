/** The point of a text that stands at its x. */
export type Anchor = "start" | "middle" | "end";

/** The rules of a drawing for pages of either scheme; its own ones follow these. */
export interface Style {
  light: string;
  dark: string;
}

const BASE: Style = {
  light: `
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d; }
  .background { fill: #ffffff; }
  .title { font-size: 20px; font-weight: 600; fill: #1f2328; }
  .subtitle { fill: #59636e; }
  .strong { font-weight: 600; fill: #1f2328; }
  .grid { stroke: #e4e8ec; }`,
  dark: `
    text { fill: #b7bfc8; }
    .background { fill: #0d1117; }
    .title, .strong { fill: #f0f3f6; }
    .subtitle { fill: #9198a1; }
    .grid { stroke: #222830; }`,
};

/** Renders a drawing that needs nothing else, on a background; it follows the scheme of the page. */
export function drawing(
  width: number,
  height: number,
  title: string,
  { light, dark }: Style,
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${BASE.light}${light}\n  @media (prefers-color-scheme: dark) {${BASE.dark}${dark}\n  }\n</style>`,
    `<rect class="background" width="${width}" height="${height}"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/** Renders a text; the default is one without a class that starts at x. */
export function text(x: number, y: number, content: string, kind = "", anchor: Anchor = "start"): string {
  const style = kind === "" ? "" : ` class="${kind}"`;
  return `<text${style} x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escape(content)}</text>`;
}

/** Renders a line of a class. */
export function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;
}

/** Renders a rectangle of a class with rounded corners. */
export function rect(kind: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${kind}" rx="2" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}"/>`;
}

/** Returns the numbers along an axis: from 0 on in steps, to the first at or above the maximum. */
export function ticks(maximum: number, step: number): number[] {
  return Array.from({ length: Math.ceil(maximum / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** Rounds pixels to tenths. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Escapes text as an element's content. */
export function escape(content: string): string {
  return content.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}
