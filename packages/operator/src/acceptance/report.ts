import type { Check } from "./checks.js";

/** Checks of a deployment, with the facts that they were made on. */
export interface AcceptanceReport {
  title: string;
  /** Facts by name: network, chain, block, build. */
  facts: Record<string, string>;
  passed: boolean;
  checks: Check[];
}

export function reportOf(title: string, facts: Record<string, string>, checks: Check[]): AcceptanceReport {
  return { title, facts, passed: checks.every(({ passed }) => passed), checks };
}

/** Sums up a report in one line. */
export function verdict({ checks }: AcceptanceReport): string {
  const failed = checks.filter(({ passed }) => !passed).length;
  return failed === 0 ? `All ${checks.length} checks passed.` : `${failed} of ${checks.length} checks FAILED.`;
}

/** Renders the whole report as Markdown: the verdict, the failed checks, then every check under its section. */
export function toMarkdown(report: AcceptanceReport): string {
  const { title, facts, checks } = report;
  const failed = checks.filter(({ passed }) => !passed);
  const sections = [...new Set(checks.map(({ section }) => section))];
  return [
    `# ${title}`,
    Object.entries(facts)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join("\n"),
    `**${verdict(report)}**`,
    ...(failed.length === 0 ? [] : ["## Failed", table(failed)]),
    ...sections.flatMap((section) => [`## ${section}`, table(checks.filter((check) => check.section === section))]),
  ].join("\n\n");
}

function table(checks: Check[]): string {
  const rows = checks.map(({ what, expected, actual, passed }) => {
    const cells = [what, actual, passed ? "" : `**must be** ${expected}`];
    return `| ${passed ? "ok" : "**FAILED**"} | ${cells.map(escape).join(" | ")} |`;
  });
  return ["|  | what | is |  |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function escape(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

/** Renders a report for a terminal: the failed checks, or the number of checks in each section if all passed. */
export function toText(report: AcceptanceReport): string {
  const { title, facts, checks } = report;
  const failed = checks.filter(({ passed }) => !passed);
  const lines = failed.map(
    ({ section, what, expected, actual }) => `  ${section}: ${what}\n    is      ${actual}\n    must be ${expected}`,
  );
  const counts = [...new Set(checks.map(({ section }) => section))].map((section) => {
    const count = checks.filter((check) => check.section === section).length;
    return `  ${section}: ${count}`;
  });
  const heading = [title, ...Object.entries(facts).map(([name, value]) => `  ${name}: ${value}`)];
  return [...heading, "", ...(failed.length === 0 ? counts : lines), "", verdict(report)].join("\n");
}
