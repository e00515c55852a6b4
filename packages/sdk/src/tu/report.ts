import { formatUnits } from "ethers";

import { formatAmount } from "../format.js";
import { coefficientOfVariation, medianOf } from "./means.js";
import { type Measurements, missingNetworks, MissingNetworksError, PRECISION } from "./measurements.js";
import { type Network, NETWORKS, partialRatingOf, ratioOf, REFERENCE_IMAGES_PER_SECOND } from "./rating.js";

/** A GPU's rating and what it is made of. */
export interface RatingReport {
  gpu: string;
  /** TU per day per GPU, 18 decimals. */
  rating: bigint;
  /** True when networks are missing: then the registry takes no such rating. */
  isPartial: boolean;
  missing: Network[];
  /** In the order of NETWORKS, those that were measured. */
  networks: NetworkReport[];
  spread: { minimum: bigint; maximum: bigint; coefficientOfVariation: number };
  remarks: string[];
}

/** The result of a GPU on one neural network. */
export interface NetworkReport {
  network: Network;
  imagesPerSecondE3: bigint;
  /** Measured over reference, 18 decimals. */
  ratio: bigint;
}

/** A ratio further than this from the others' median is remarked on. */
const OUTLIER = 10;

/** With fewer networks than this, none can be told to be the odd one. */
const LEAST_TO_COMPARE = 3;

/** A rating to show; the registry's 18 decimals are in the JSON. */
const SHOWN_DECIMALS = 4;
const E3_DECIMALS = 3;
const TU_DECIMALS = 18;

/**
 * Rates what was measured.
 * @param allowPartial rate fewer than seven networks too, by the mean of those there are
 * @throws MissingNetworksError, NothingMeasuredError, OutOfRangeError
 */
export function rate(measurements: Measurements, allowPartial = false): RatingReport {
  const { gpu, measured, remarks } = measurements;
  const missing = missingNetworks(measurements);
  if (missing.length > 0 && !allowPartial) throw new MissingNetworksError(gpu, missing);

  const networks = NETWORKS.flatMap((network): NetworkReport[] => {
    const measurement = measured[network];
    if (measurement === undefined) return [];
    const { imagesPerSecondE3 } = measurement;
    return [{ network, imagesPerSecondE3, ratio: ratioOf(network, imagesPerSecondE3) }];
  });
  const rating = partialRatingOf(
    Object.fromEntries(networks.map(({ network, imagesPerSecondE3 }) => [network, imagesPerSecondE3])),
  );
  const ratios = networks.map(({ ratio }) => ratio).sort((a, b) => (a < b ? -1 : 1));
  return {
    gpu,
    rating,
    isPartial: missing.length > 0,
    missing,
    networks,
    spread: {
      minimum: ratios[0],
      maximum: ratios[ratios.length - 1],
      coefficientOfVariation: coefficientOfVariation(ratios.map(Number)),
    },
    remarks: [...remarks, ...outliersOf(networks)],
  };
}

/** Returns a remark for each ratio that is far from the others' median, as a misplaced decimal point puts it. */
function outliersOf(networks: readonly NetworkReport[]): string[] {
  if (networks.length < LEAST_TO_COMPARE) return [];
  return networks.flatMap(({ network, ratio }) => {
    const others = networks.filter((each) => each.network !== network).map((each) => Number(each.ratio));
    const factor = Number(ratio) / medianOf(others);
    if (factor <= OUTLIER && factor >= 1 / OUTLIER) return [];
    return [`${network} is more than ${OUTLIER} times away from the other networks; check its number's decimal point`];
  });
}

/** A report to read. */
export function formatReport(report: RatingReport): string {
  const { gpu, rating, isPartial, missing, spread, remarks } = report;
  const rows = [
    ["network", "images/s", "reference", "ratio"],
    ...NETWORKS.map((network) => {
      const reference = formatAmount(REFERENCE_IMAGES_PER_SECOND[network], 0);
      const measured = report.networks.find((each) => each.network === network);
      if (measured === undefined) return [network, "missing", reference, ""];
      return [network, formatAmount(measured.imagesPerSecondE3, E3_DECIMALS), reference, shown(measured.ratio)];
    }),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const table = rows.map(([network, ...numbers]) =>
    ["", network.padEnd(widths[0]), ...numbers.map((number, i) => number.padStart(widths[i + 1]))].join("  ").trimEnd(),
  );
  const variation = (spread.coefficientOfVariation * 100).toFixed(1);
  return [
    `${gpu}, training in ${PRECISION} on one GPU`,
    "",
    ...table,
    "",
    isPartial
      ? `PARTIAL rating: ${shown(rating)} TU per day per GPU, without ${missing.join(", ")}; it cannot be attested`
      : `Rating: ${shown(rating)} TU per day per GPU`,
    `Spread: ${shown(spread.minimum)} to ${shown(spread.maximum)}, coefficient of variation ${variation} %`,
    ...remarks.map((remark) => `Note: ${remark}`),
  ].join("\n");
}

/** A report as plain JSON: TU and ratios as decimal strings with all that the registry knows of them. */
export function reportToJson(report: RatingReport): Record<string, unknown> {
  const { spread } = report;
  return {
    gpu: report.gpu,
    precision: PRECISION,
    rating: formatUnits(report.rating, TU_DECIMALS),
    ratingBaseUnits: report.rating.toString(),
    partial: report.isPartial,
    missing: report.missing,
    networks: report.networks.map(({ network, imagesPerSecondE3, ratio }) => ({
      network,
      imagesPerSecond: formatUnits(imagesPerSecondE3, E3_DECIMALS),
      ratio: formatUnits(ratio, TU_DECIMALS),
    })),
    spread: {
      minimum: formatUnits(spread.minimum, TU_DECIMALS),
      maximum: formatUnits(spread.maximum, TU_DECIMALS),
      coefficientOfVariation: spread.coefficientOfVariation,
    },
    remarks: report.remarks,
  };
}

function shown(amount: bigint): string {
  return formatAmount(amount, TU_DECIMALS, SHOWN_DECIMALS);
}
