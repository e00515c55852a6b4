import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import {
  arithmeticMean,
  formatAmount,
  GENESIS_RATINGS,
  geometricMean,
  harmonicMean,
  NETWORKS,
  parseCsvTable,
  rate,
  type RatingReport,
} from "@turingfog/sdk";
import { readMeasurements } from "@turingfog/sdk/node";
import { expect } from "chai";
import { formatUnits, toUtf8Bytes } from "ethers";

import { PUBLISHED } from "../../../../test/helpers/tuLogs";

const PAGE = readFileSync(path.join(__dirname, "../../../../docs/tu.md"), "utf8");

/** The rows of the table under a heading, without the ruler. */
function tableUnder(heading: string, index = 0): string[][] {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(heading)) ?? "";
  const tables = section.match(/(?:^\|.*\n)+/gm) ?? [];
  return (tables[index] ?? "")
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([first]) => !first.startsWith("--"));
}

const MEASUREMENTS = tableUnder("The first seven ratings")
  .map((row) => row.join(","))
  .join("\n");
const REPORTS = parseCsvTable(toUtf8Bytes(MEASUREMENTS)).map((measurements) => rate(measurements));

function ratiosOf(report: RatingReport): number[] {
  return report.networks.map(({ ratio }) => Number(formatUnits(ratio, 18)));
}

function percent(fraction: number, decimals: number): string {
  return `${(Math.abs(fraction) * 100).toFixed(decimals)} %`;
}

describe("docs/tu.md", () => {
  it("computes the seven published ratings, each within 1 %", () => {
    expect(REPORTS.map(({ gpu }) => gpu)).to.have.members(Object.keys(GENESIS_RATINGS));
    const [, ...rows] = tableUnder("The first seven ratings", 1);
    expect(rows).to.deep.equal(
      REPORTS.map(({ gpu, rating }) => {
        const published = GENESIS_RATINGS[gpu];
        const apart = Number(rating) / Number(published) - 1;
        expect(Math.abs(apart), gpu).to.be.below(0.01);
        return [gpu, formatAmount(published, 18, 2), formatAmount(rating, 18, 4), percent(apart, 1)];
      }),
    );
  });

  it("compares the three means, each of which comes within 1 % of what was published", () => {
    const [, ...rows] = tableUnder("Why the arithmetic mean");
    expect(rows).to.deep.equal(
      REPORTS.map((report) => {
        const ratios = ratiosOf(report);
        const [arithmetic, geometric, harmonic] = [arithmeticMean, geometricMean, harmonicMean].map((mean) =>
          mean(ratios),
        );
        for (const mean of [arithmetic, geometric, harmonic]) {
          expect(mean / Number(formatUnits(GENESIS_RATINGS[report.gpu], 18)), report.gpu).to.be.closeTo(1, 0.01);
        }
        return [
          report.gpu,
          arithmetic.toFixed(4),
          geometric.toFixed(4),
          percent(geometric / arithmetic - 1, 2),
          harmonic.toFixed(4),
          percent(harmonic / arithmetic - 1, 2),
        ];
      }),
    );
  });

  // What the page takes from published files can be compared only where these stand beside the project.
  if (existsSync(PUBLISHED)) {
    it("restates the 2019 measurements as published", () => {
      expect(MEASUREMENTS).to.equal(readFileSync(path.join(PUBLISHED, "lambda-2019-fp32.csv"), "utf8").trim());
    });

    it("rates the GPUs of the published logs", async () => {
      const folders = ["gtx-1080-ti", "rtx-2080-ti", "a100-pcie-40gb"];
      const reports: RatingReport[] = [];
      for (const folder of folders) {
        const [measurements] = await readMeasurements(path.join(PUBLISHED, "gpu-logs", folder));
        reports.push(rate(measurements, true));
      }
      expect(tableUnder("Other logs of three GPUs")).to.deep.equal([
        ["network", ...reports.map(({ gpu }) => gpu)],
        ...NETWORKS.slice(0, 6).map((network, i) => [
          network,
          ...reports.map(({ networks }) => formatAmount(networks[i].ratio, 18, 4)),
        ]),
        ["partial rating", ...reports.map(({ rating }) => formatAmount(rating, 18, 4))],
        ["variation", ...reports.map(({ spread }) => percent(spread.coefficientOfVariation, 1))],
      ]);
      const [gtx, rtx] = reports.map(({ rating }) => Number(formatUnits(rating, 18)));
      expect(PAGE).to.contain(`${percent(gtx - 1, 1)} below the reference of 2019`);
      expect(PAGE).to.match(new RegExp(`RTX 2080 Ti ${percent(rtx / 1.35 - 1, 1)} above its\\s+published rating`));
    });
  }
});
