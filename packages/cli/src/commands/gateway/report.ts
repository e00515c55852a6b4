import {
  formatMoney,
  gatewayConfig,
  type GatewayReport,
  readConfig,
  type ReportLine,
  reportOf,
} from "@turingfog/network";

import { ends, newCommand } from "../../lib/command.js";
import { configOption } from "../../lib/configOption.js";
import { type Output, outputOf, table } from "../../lib/output.js";

export const command = newCommand({
  description: `Compares what a gateway's store, Stripe and the chain say of every payment: sessions, orders, refunds, fees, differences.

Changes nothing, also while the gateway runs. Ends with 1 if the three differ.

--json prints {lines, totals, orders, deposit, paidBack, differences}; amounts of cards are in minor units, those of the asset in
base units. Payments and refunds are in paidCurrency, fees in feeCurrency, in which the account at Stripe is settled.`,
  examples: [
    "turingfog gateway report --config gateway/gateway.json5",
    "turingfog gateway report --config gateway/gateway.json5 --csv > report.csv",
  ],
})
  .addOption(configOption("gateway"))
  .option("--csv", "print lines of CSV, with amounts as with --json", false)
  .action(async ({ config, csv, ...values }) => {
    const report = await reportOf(await readConfig(config, gatewayConfig));
    print(report, csv, outputOf(values));
    ends(report.differences === 0 ? 0 : 1);
  });

const COLUMNS = [
  ...(["session", "state", "currency", "price", "paid", "refunded", "paidCurrency"] as const),
  ...(["fees", "feeCurrency", "orderId", "deposit", "paidBack"] as const),
];

function print(report: GatewayReport, csv: boolean, output: Output): void {
  output.result(report, csv ? csvOf(report.lines) : textOf(report));
}

/** RFC 4180; what a spreadsheet would take for a formula cannot be in a value: all are numbers or our own words. */
function csvOf(lines: readonly ReportLine[]): string {
  const quoted = (value: string | bigint = "") => `"${String(value).replaceAll('"', '""')}"`;
  const rows = lines.map((line) => [...COLUMNS.map((name) => line[name]), line.differences.join("; ")]);
  return [[...COLUMNS, "differences"], ...rows].map((row) => row.map(quoted).join(",")).join("\n");
}

function textOf({ lines, totals, orders, differences }: GatewayReport): string {
  const money = (minor: bigint, currency: string) => (currency === "" ? "" : formatMoney(minor, currency));
  const rows = lines.map(({ session, state, paidCurrency, paid, refunded, feeCurrency, fees, orderId }) => [
    ...[session, state, ...[paid, refunded].map((minor) => money(minor, paidCurrency)), money(fees, feeCurrency)],
    String(orderId ?? ""),
  ]);
  const sums = Object.entries(totals).map(
    ([currency, { sessions, paid, refunded, fees }]) =>
      `${sessions} sessions in ${currency}: ${money(paid, currency)} paid, ${money(refunded, currency)} refunded, ` +
      `${money(fees, currency)} kept by Stripe`,
  );
  const found = lines.flatMap((line) => line.differences.map((each) => `${line.session}: ${each}`));
  return [
    table([["session", "state", "paid", "refunded", "fees", "order"], ...rows]),
    ...sums,
    `${orders} orders`,
    differences === 0 ? "Store, Stripe and chain agree" : `${differences} differences:`,
    ...found,
  ].join("\n");
}
