import { writeFile } from "node:fs/promises";

import {
  checkPrecision,
  formatReport,
  MissingNetworksError,
  PRECISION,
  rate,
  ratingChart,
  reportToJson,
} from "@turingfog/sdk";
import { readMeasurements } from "@turingfog/sdk/node";

import { newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";

export const command = newCommand({
  description: "Rates a GPU in TU per day by its benchmark logs.",
  examples: ["turingfog tu rate LOGS", "turingfog tu rate resnet50.log --partial --json"],
})
  .argument("<PATH>", "a folder of tf_cnn_benchmarks logs, one log, a table (.csv, .json) or a measurement file")
  .option("--gpu <NAME>", "rate only this GPU")
  .option("--precision <NAME>", "precision of the training, which logs do not state; the only one rated", PRECISION)
  .option("--partial", "also rate fewer than seven networks; such a rating cannot be attested")
  .option("--chart <FILE>", "write a bar chart as SVG")
  .action((source, values) => rateLogs(source, values, outputOf(values)));

interface Values {
  gpu?: string;
  precision: string;
  partial?: boolean;
  chart?: string;
}

async function rateLogs(source: string, { gpu, precision, partial, chart }: Values, output: Output): Promise<void> {
  checkPrecision(precision);
  const measured = await readMeasurements(source, gpu);
  try {
    const reports = measured.map((measurements) => rate(measurements, partial));
    if (chart !== undefined) await writeFile(chart, ratingChart(reports));
    output.result(reports.map(reportToJson), reports.map(formatReport).join("\n\n"));
  } catch (error) {
    if (!(error instanceof MissingNetworksError)) throw error;
    throw new Error(`${error.message}; --partial rates it without`, { cause: error });
  }
}
