import { id } from "ethers";

import { checkRange, TuringFogError } from "../errors.js";
import { ceilDiv } from "../math.js";
import { DAY, WAD } from "../units.js";

/** The benchmark's networks, in the order in which `NodeRegistry.attestRating` takes their measurements. */
export const NETWORKS = [
  "ResNet-50",
  "ResNet-152",
  "Inception v3",
  "Inception v4",
  "VGG-16",
  "AlexNet",
  "SSD300",
] as const;

export type Network = (typeof NETWORKS)[number];

/**
 * Images per second of a GTX 1080 Ti, which is 1 TU per day: training in single precision on one GPU. Lambda, "RTX 2080
 * Ti Deep Learning Benchmarks", 2019.
 */
export const REFERENCE_IMAGES_PER_SECOND: Readonly<Record<Network, bigint>> = {
  "ResNet-50": 209n,
  "ResNet-152": 81n,
  "Inception v3": 136n,
  "Inception v4": 58n,
  "VGG-16": 134n,
  AlexNet: 2762n,
  SSD300: 108n,
};

/** The published ratings that `NodeRegistry` starts with: TU per day per GPU, 18 decimals, by the model's name. */
export const GENESIS_RATINGS: Readonly<Record<string, bigint>> = {
  "GTX 1080 Ti": 1_000_000_000_000_000_000n,
  "Titan XP": 1_110_000_000_000_000_000n,
  V100: 1_850_000_000_000_000_000n,
  "Titan V": 1_410_000_000_000_000_000n,
  "Titan RTX": 1_550_000_000_000_000_000n,
  "RTX 2080": 990_000_000_000_000_000n,
  "RTX 2080 Ti": 1_350_000_000_000_000_000n,
};

/** The highest rating: 1,000 TU per day, 18 decimals. */
export const MAX_RATING = 1_000n * WAD;

const MAX_UINT32 = 2n ** 32n - 1n;
const HOURS_PER_DAY = 24n;

/** Nothing was measured on a network. */
export class ZeroThroughputError extends TuringFogError {
  constructor(readonly network: Network) {
    super(`The throughput on ${network} is 0 images per second`);
  }
}

/** More or fewer measurements than networks. */
export class MeasurementCountError extends TuringFogError {
  constructor(readonly count: number) {
    super(`There are ${count} measurements, must be ${NETWORKS.length}: ${NETWORKS.join(", ")}`);
  }
}

/** A mean of nothing. */
export class NothingMeasuredError extends TuringFogError {
  constructor() {
    super(`None of the networks was measured: ${NETWORKS.join(", ")}`);
  }
}

/** Thousandths of images per second, by network. */
export type ImagesPerSecondE3 = Readonly<Record<Network, bigint>>;

/** @throws ZeroThroughputError, OutOfRangeError unless the registry's uint32 can hold it */
export function checkThroughput(network: Network, imagesPerSecondE3: bigint): void {
  if (imagesPerSecondE3 === 0n) throw new ZeroThroughputError(network);
  checkRange(`thousandths of images per second on ${network}`, imagesPerSecondE3, 1n, MAX_UINT32);
}

/**
 * Measured over reference on one network, 18 decimals, rounded down.
 * @throws ZeroThroughputError, OutOfRangeError
 */
export function ratioOf(network: Network, imagesPerSecondE3: bigint): bigint {
  checkThroughput(network, imagesPerSecondE3);
  return (imagesPerSecondE3 * WAD) / (REFERENCE_IMAGES_PER_SECOND[network] * 1_000n);
}

/**
 * A model's rating, to the last digit of `NodeRegistry.attestRating`: (1/7) Σ measured / reference. Each
 * quotient of thousandths is rounded down, and so is their sum over seven thousand.
 * @param imagesPerSecondE3 thousandths of images per second, in the order of NETWORKS
 * @returns TU per day per GPU, 18 decimals
 * @throws MeasurementCountError, ZeroThroughputError, OutOfRangeError
 */
export function ratingOf(imagesPerSecondE3: readonly bigint[]): bigint {
  if (imagesPerSecondE3.length !== NETWORKS.length) throw new MeasurementCountError(imagesPerSecondE3.length);
  return meanRatio(NETWORKS.map((network, i) => [network, imagesPerSecondE3[i]]));
}

/**
 * The same mean over the networks that were measured. Unless they are all seven it is no rating: the registry takes
 * none of it.
 * @returns TU per day per GPU, 18 decimals
 * @throws NothingMeasuredError, ZeroThroughputError, OutOfRangeError
 */
export function partialRatingOf(imagesPerSecondE3: Partial<ImagesPerSecondE3>): bigint {
  const measured = NETWORKS.flatMap((network): [Network, bigint][] => {
    const value = imagesPerSecondE3[network];
    return value === undefined ? [] : [[network, value]];
  });
  if (measured.length === 0) throw new NothingMeasuredError();
  return meanRatio(measured);
}

function meanRatio(measured: readonly (readonly [Network, bigint])[]): bigint {
  let sum = 0n;
  for (const [network, imagesPerSecondE3] of measured) {
    checkThroughput(network, imagesPerSecondE3);
    // thousandths are divided out once, at the end, as the registry does
    sum += (imagesPerSecondE3 * WAD) / REFERENCE_IMAGES_PER_SECOND[network];
  }
  const rating = sum / (BigInt(measured.length) * 1_000n);
  checkRange("rating", rating, 1n, MAX_RATING);
  return rating;
}

/** The hash under which the registry knows a model: keccak256 of its name, to the letter. */
export function gpuModelOf(name: string): string {
  return id(name);
}

/** TU per day, 18 decimals, of a node; as `NodeRegistry.ratePerDay`. */
export function ratePerDay(rating: bigint, gpuCount: bigint): bigint {
  return rating * gpuCount;
}

/** TU, 18 decimals, rounded down, that GPUs of a rating deliver in so many seconds of one GPU. */
export function tuOf(gpuSeconds: bigint, rating: bigint): bigint {
  return (gpuSeconds * rating) / DAY;
}

/** Seconds of one GPU of a rating, rounded up, that it takes to deliver so many TU (18 decimals). */
export function gpuSecondsOf(tu: bigint, rating: bigint): bigint {
  return ceilDiv(tu * DAY, rating);
}

/** Returns the price of an hour of one GPU of a rating, in base units of the asset, rounded up, from a price per whole TU. */
export function pricePerGpuHour(unitPrice: bigint, rating: bigint): bigint {
  return ceilDiv(unitPrice * rating, WAD * HOURS_PER_DAY);
}

/** The price per whole TU, in base units of the asset, rounded up, that makes an hour of one GPU cost so much. */
export function unitPriceOf(gpuHourPrice: bigint, rating: bigint): bigint {
  return ceilDiv(gpuHourPrice * WAD * HOURS_PER_DAY, rating);
}
