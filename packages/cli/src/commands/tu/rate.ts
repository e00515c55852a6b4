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

import { defineCommand, UsageError } from "../../lib/command.js";

const USAGE = `Rates a GPU in TU per day by its benchmark logs.

  turingfog tu rate PATH [--gpu NAME] [--partial] [--chart FILE] [--json]

  PATH              a folder of tf_cnn_benchmarks logs, one log, a table (.csv, .json) or a measurement file
  --gpu NAME        rate only this GPU
  --precision NAME  precision of the training, which logs do not state (default ${PRECISION}, the only one rated)
  --partial         also rate fewer than seven networks; such a rating cannot be attested
  --chart FILE      write a bar chart as SVG
  --json            print JSON alone
  --help            print this`;

export const command = defineCommand({
  usage: USAGE,
  options: {
    gpu: { type: "string" },
    precision: { type: "string", default: PRECISION },
    partial: { type: "boolean", default: false },
    chart: { type: "string" },
  },
  required: [],
  words: 1,
  async run({ gpu, precision, partial, chart }, output, [source]) {
    if (source === undefined) throw new UsageError("PATH is missing; see --help");
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
  },
});
