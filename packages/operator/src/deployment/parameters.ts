import { readFileSync } from "node:fs";

import { DAY, formatDuration, HOUR, MAX_REFERENCE, MIN_REFERENCE, MINUTE, TuringFogError } from "@turingfog/sdk";
import { formatUnits, getAddress, parseUnits, ZeroAddress } from "ethers";
import JSON5 from "json5";

/** The parameters of a deployment, from its parameter file. Times are seconds, TFT amounts have 18 decimals. */
export interface DeploymentParameters {
  /** The timelock: its delay, the accounts that propose and cancel, and those that execute. */
  governor: { minDelay: bigint; proposers: string[]; executors: string[] };
  /** Account that can veto and freeze. */
  guardian: string;
  /** The oracle's first signers in ascending order, and the number of them who must sign. */
  signers: string[];
  quorum: bigint;
  epochLength: bigint;
  auctionPeriod: bigint;
  vetoWindow: bigint;
  grace: bigint;
  /** Account to which operations are paid, and their share of each release in basis points. */
  operations: { treasury: string; share: bigint };
  /** Assets listed from the start, besides TFT. `referencePrice` is TFT per whole unit. */
  assets: { address: string; referencePrice: bigint }[];
  /** Allocations of the 650 M TFT outside the reserve. */
  allocations: Allocation[];
}

/** An allocation of TFT to a holder or to a vesting wallet. */
export type Allocation = { name: string; amount: bigint } & ({ holder: string } | { vesting: Vesting });

/**
 * Vesting that is linear from `start` (unix seconds) over `duration` (seconds), but releases nothing before `cliff`
 * seconds.
 */
export interface Vesting {
  beneficiary: string;
  start: bigint;
  duration: bigint;
  cliff: bigint;
}

/** A parameter that breaks a rule. */
export interface ParameterProblem {
  /** Path of the field, as `allocations[1].vesting.cliff`. */
  path: string;
  /** Value of the field as JSON5; `undefined` if it is missing. */
  value: string;
  rule: string;
}

/** Thrown when parameters cannot be deployed. Lists everything that is wrong with them. */
export class DeploymentParametersError extends TuringFogError {
  constructor(readonly problems: ParameterProblem[]) {
    super(problems.map(({ path, value, rule }) => `${path}: ${value}: ${rule}`).join("\n"));
  }
}

const TFT_DECIMALS = 18;
const tft = (amount: string) => parseUnits(amount, TFT_DECIMALS);

const SECONDS: Record<string, bigint> = { second: 1n, minute: MINUTE, hour: HOUR, day: DAY };

/** The most of each list of parameters: what the oracle allows, and what keeps a step of Genesis below 45 M gas. */
export const LIST_LIMITS = { signers: 64, roleHolders: 16, assets: 16, allocations: 32 } as const;

// The bounds that the contracts' constructors set.
const ALLOCATED = tft("650000000");
const MIN_TIME = MINUTE;
const MAX_EPOCH_LENGTH = 30n * DAY;
const MAX_AUCTION_PERIOD = 30n * DAY;
const MAX_VETO_WINDOW = 7n * DAY;
const MAX_GRACE = 21n * DAY;
const MIN_SIGNERS = 4;
const MAX_OPERATIONS_SHARE = 2_000n;

// A bound of our own, which catches typing errors.
const MAX_VESTING = 100n * 365n * DAY;

/** Reports the path of a value, the value and the rule that it breaks. */
type ReportProblem = (path: string, value: unknown, rule: string) => undefined;

/**
 * Reads one value. Returns the value even if it reports a problem, as long as its kind is right, so that rules between
 * several values are checked in the same pass; otherwise returns undefined.
 */
type Reader<T> = (value: unknown, path: string, report: ReportProblem) => T | undefined;

const ADDRESS_RULE = "must be an address other than zero, with its EIP-55 checksum";

function isChecksummed(text: string): boolean {
  try {
    return getAddress(text) === text && text !== ZeroAddress;
  } catch {
    return false;
  }
}

const address: Reader<string> = (value, path, report) => {
  if (typeof value !== "string") return report(path, value, ADDRESS_RULE);
  if (!isChecksummed(value)) report(path, value, ADDRESS_RULE);
  return value;
};

const name: Reader<string> = (value, path, report) =>
  typeof value === "string" && /^[A-Za-z][A-Za-z0-9]*$/.test(value)
    ? value
    : report(path, value, "must be a name of letters and digits");

const integer =
  (minimum: bigint, maximum: bigint): Reader<bigint> =>
  (value, path, report) => {
    const rule = `must be a whole number from ${minimum} to ${maximum}`;
    if (!Number.isSafeInteger(value)) return report(path, value, rule);
    const read = BigInt(value as number);
    if (read < minimum || read > maximum) report(path, value, rule);
    return read;
  };

/** Reads TFT from a decimal string, in which underscores may group the digits. */
const amount =
  (minimum: bigint, maximum: bigint): Reader<bigint> =>
  (value, path, report) => {
    const [least, most] = [minimum, maximum].map((bound) => formatUnits(bound, TFT_DECIMALS));
    const rule = `must be TFT from ${least} to ${most}, as "1_000.5"`;
    if (typeof value !== "string" || !/^\d[\d_]*(\.\d{1,18})?$/.test(value)) return report(path, value, rule);
    const read = tft(value.replaceAll("_", ""));
    if (read < minimum || read > maximum) report(path, value, rule);
    return read;
  };

const duration =
  (minimum: bigint, maximum: bigint): Reader<bigint> =>
  (value, path, report) => {
    const rule = `must be a time from ${formatDuration(minimum)} to ${formatDuration(maximum)}, as "2 days"`;
    const match = typeof value === "string" ? /^(\d+) (second|minute|hour|day)s?$/.exec(value) : null;
    if (match === null) return report(path, value, rule);
    const [, count, unit] = match;
    const read = BigInt(count) * SECONDS[unit];
    if (read < minimum || read > maximum) report(path, value, rule);
    return read;
  };

const instant: Reader<bigint> = (value, path, report) => {
  const milliseconds =
    typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(milliseconds)) return report(path, value, 'must be a time in UTC, as "2027-01-01T00:00:00Z"');
  return BigInt(milliseconds / 1_000);
};

const list =
  <T>(read: Reader<T>, minimum: number, maximum: number): Reader<T[]> =>
  (value, path, report) => {
    const rule = `must be a list of ${minimum} to ${maximum}`;
    if (!Array.isArray(value)) return report(path, value, rule);
    if (value.length < minimum || value.length > maximum) report(`${path}.length`, value.length, rule);
    const items = value.map((item, i) => read(item, `${path}[${i}]`, report));
    return items.every((item) => item !== undefined) ? items : undefined;
  };

type Draft<T> = { [K in keyof T]: T[K] | undefined };
type Readers<T> = { [K in keyof T]-?: Reader<T[K]> };

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads an object that must have exactly the given fields. */
function readFields<T>(readers: Readers<T>, value: unknown, path: string, report: ReportProblem): Draft<T> {
  const names = Object.keys(readers) as (keyof T & string)[];
  const draft: Partial<T> = {};
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);
  if (!isObject(value)) {
    report(path, value, `must have the fields ${names.join(", ")}`);
    return draft as Draft<T>;
  }

  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(readers, name)) report(at(name), value[name], `is unknown; known are ${names.join(", ")}`);
  }
  for (const name of names) {
    draft[name] = Object.hasOwn(value, name)
      ? readers[name](value[name], at(name), report)
      : report(at(name), undefined, "must be given");
  }
  return draft as Draft<T>;
}

const record =
  <T>(readers: Readers<T>): Reader<T> =>
  (value, path, report) => {
    const draft = readFields(readers, value, path, report);
    const isComplete = Object.keys(readers).every((name) => draft[name as keyof T] !== undefined);
    return isComplete ? (draft as T) : undefined;
  };

const vestingFields = record<Vesting>({
  beneficiary: address,
  start: instant,
  duration: duration(1n, MAX_VESTING),
  cliff: duration(0n, MAX_VESTING),
});

const vesting: Reader<Vesting> = (value, path, report) => {
  const read = vestingFields(value, path, report);
  if (read !== undefined && read.cliff > read.duration) {
    report(
      `${path}.cliff`,
      formatDuration(read.cliff),
      `must not exceed the duration, ${formatDuration(read.duration)}`,
    );
  }
  return read;
};

const held = record<Allocation & { holder: string }>({ name, amount: amount(1n, ALLOCATED), holder: address });
const vested = record<Allocation & { vesting: Vesting }>({ name, amount: amount(1n, ALLOCATED), vesting });

const allocation: Reader<Allocation> = (value, path, report) =>
  (isObject(value) && Object.hasOwn(value, "vesting") ? vested : held)(value, path, report);

const READERS: Readers<DeploymentParameters> = {
  governor: record({
    minDelay: duration(MIN_TIME, MAX_GRACE),
    proposers: list(address, 1, LIST_LIMITS.roleHolders),
    executors: list(address, 1, LIST_LIMITS.roleHolders),
  }),
  guardian: address,
  signers: list(address, MIN_SIGNERS, LIST_LIMITS.signers),
  quorum: integer(1n, BigInt(LIST_LIMITS.signers)),
  epochLength: duration(MIN_TIME, MAX_EPOCH_LENGTH),
  auctionPeriod: duration(MIN_TIME, MAX_AUCTION_PERIOD),
  vetoWindow: duration(MIN_TIME, MAX_VETO_WINDOW),
  grace: duration(MIN_TIME, MAX_GRACE),
  operations: record({ treasury: address, share: integer(0n, MAX_OPERATIONS_SHARE) }),
  assets: list(record({ address, referencePrice: amount(MIN_REFERENCE, MAX_REFERENCE) }), 0, LIST_LIMITS.assets),
  allocations: list(allocation, 1, LIST_LIMITS.allocations),
};

/**
 * Checks a parsed parameter file against every rule of the contracts' constructors, and against typing errors.
 * @throws DeploymentParametersError with everything that is wrong
 */
export function validateParameters(document: unknown): DeploymentParameters {
  const problems: ParameterProblem[] = [];
  const report: ReportProblem = (path, value, rule) => {
    problems.push({
      path: path || "parameters",
      value: value === undefined ? "undefined" : JSON5.stringify(value),
      rule,
    });
    return undefined;
  };

  const draft = readFields(READERS, document, "", report);
  checkSigners(draft, report);
  checkGrace(draft, report);
  checkUnique(draft, report);
  checkAllocations(draft, report);

  if (problems.length !== 0) throw new DeploymentParametersError(problems);
  return draft as DeploymentParameters; // a missing field has been reported
}

function checkSigners({ signers, quorum }: Draft<DeploymentParameters>, report: ReportProblem): void {
  if (signers === undefined) return;
  for (let i = 1; i < signers.length; ++i) {
    const [previous, signer] = [signers[i - 1], signers[i]];
    if (isChecksummed(previous) && isChecksummed(signer) && BigInt(signer) <= BigInt(previous)) {
      report(`signers[${i}]`, signer, "must be above the signer before it, for each signs once and in this order");
    }
  }

  if (quorum === undefined) return;
  const count = BigInt(signers.length);
  if (quorum > count || 3n * quorum <= 2n * count) {
    report("quorum", Number(quorum), `must be more than two thirds of the ${count} signers, and not more than all`);
  }
}

function checkGrace({ governor, vetoWindow, grace }: Draft<DeploymentParameters>, report: ReportProblem): void {
  if (governor === undefined || vetoWindow === undefined || grace === undefined) return;
  const minimum = governor.minDelay + 2n * vetoWindow;
  if (grace < minimum) {
    report(
      "grace",
      formatDuration(grace),
      `must be at least governor.minDelay + 2 vetoWindow, ${formatDuration(minimum)}`,
    );
  }
}

function checkUnique({ governor, assets, allocations }: Draft<DeploymentParameters>, report: ReportProblem): void {
  const check = (values: string[] = [], path: (i: number) => string): void => {
    values.forEach((value, i) => {
      if (values.indexOf(value) < i) report(path(i), value, "must not be named twice");
    });
  };
  check(governor?.proposers, (i) => `governor.proposers[${i}]`);
  check(governor?.executors, (i) => `governor.executors[${i}]`);
  check(
    assets?.map((asset) => asset.address),
    (i) => `assets[${i}].address`,
  );
  check(
    allocations?.map((each) => each.name),
    (i) => `allocations[${i}].name`,
  );
}

function checkAllocations({ allocations }: Draft<DeploymentParameters>, report: ReportProblem): void {
  if (allocations === undefined) return;
  const sum = allocations.reduce((total, each) => total + each.amount, 0n);
  if (sum !== ALLOCATED) {
    const [is, must] = [sum, ALLOCATED].map((each) => formatUnits(each, TFT_DECIMALS));
    report("allocations", is, `must sum to ${must} TFT`);
  }
}

/**
 * Reads and checks a parameter file (JSON5).
 * @throws DeploymentParametersError with everything that is wrong
 */
export function readParameters(file: string): DeploymentParameters {
  const text = readFileSync(file, "utf8");
  let document: unknown;
  try {
    document = JSON5.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new DeploymentParametersError([{ path: file, value: error.message, rule: "must be JSON5" }]);
  }
  return validateParameters(document);
}
