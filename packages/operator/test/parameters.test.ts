import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import {
  type DeploymentParameters,
  DeploymentParametersError,
  type ParameterProblem,
  readParameters,
  validateParameters,
} from "@turingfog/operator";
import { CHAINS, DAY, formatDuration, HOUR, MINUTE } from "@turingfog/sdk";
import { expect } from "chai";
import { getAddress, parseUnits, toBeHex, ZeroAddress } from "ethers";
import JSON5 from "json5";

import { fillIn } from "../../../test/helpers/blanks";

const DIRECTORY = path.join(__dirname, "../../../deploy/parameters");
const LOCAL = path.join(DIRECTORY, "local.json5");

/** The chains that have an id of their own, each with the name of its parameter file. */
const PUBLIC = Object.entries(CHAINS)
  .filter(([, { chainId }]) => chainId !== undefined)
  .map(([name, chain]) => ({ ...chain, file: name === "ethereum" ? "mainnet" : name }));

/** Time after which a transaction is included that a chain's sequencer holds back. */
const FORCED_INCLUSION = { base: 12n * HOUR, optimism: 12n * HOUR, arbitrum: 24n * HOUR } as const;

/** Stablecoins with an ERC-2612 permit; every other one that a file lists is marked there. */
const PERMITTED = ["USDC"];

/** The text of a parameter file, and the parameters once its blanks are filled in. */
function readFile(name: string) {
  const text = readFileSync(path.join(DIRECTORY, `${name}.json5`), "utf8");
  return { text, parameters: validateParameters(JSON5.parse(fillIn(text))) };
}

const REFERENCE_RULE = 'must be TFT from 0.000000001 to 1000000000.0, as "1_000.5"';
const AMOUNT_RULE = 'must be TFT from 0.000000000000000001 to 650000000.0, as "1_000.5"';
const ADDRESS_RULE = "must be an address other than zero, with its EIP-55 checksum";
const OTHER = "0xFABB0ac9d68B0B445fB7357272Ff202C5651694a";

const [FIRST, SECOND, THIRD, FOURTH] = ascending(4);

/** The path of a field to a value that breaks its rule, and what is then reported. */
type Case = [path: string, value: unknown, rule: string, reportedPath?: string, reportedValue?: string];

const CASES: Case[] = [
  ["governor", "0x", "must have the fields minDelay, proposers, executors"],
  ["governor.minDelay", "59 seconds", 'must be a time from 1 minute to 21 days, as "2 days"'],
  ["governor.minDelay", "22 days", 'must be a time from 1 minute to 21 days, as "2 days"'],
  ["governor.minDelay", 172_800, 'must be a time from 1 minute to 21 days, as "2 days"'],
  ["governor.minDelay", "2 weeks", 'must be a time from 1 minute to 21 days, as "2 days"'],
  ["governor.proposers", [], "must be a list of 1 to 16"],
  ["governor.proposers", OTHER, "must be a list of 1 to 16"],
  ["governor.proposers", [OTHER, OTHER], "must not be named twice", "governor.proposers[1]", `'${OTHER}'`],
  ["governor.proposers[0]", ZeroAddress, ADDRESS_RULE],
  ["governor.executors", Array(17).fill(OTHER), "must be a list of 1 to 16"],
  ["governor.executors", [OTHER, OTHER], "must not be named twice", "governor.executors[1]", `'${OTHER}'`],
  ["governor.executors[0]", OTHER.toLowerCase(), ADDRESS_RULE],
  ["guardian", OTHER.slice(0, -1), ADDRESS_RULE],
  ["guardian", 1, ADDRESS_RULE],
  ["signers", ascending(3), "must be a list of 4 to 64"],
  ["signers", ascending(65), "must be a list of 4 to 64"],
  ["signers[1]", ZeroAddress, ADDRESS_RULE],
  [
    "signers",
    [FIRST, THIRD, SECOND, FOURTH],
    "must be above the signer before it, for each signs once and in this order",
    "signers[2]",
    `'${SECOND}'`,
  ],
  [
    "signers",
    [FIRST, SECOND, SECOND, FOURTH],
    "must be above the signer before it, for each signs once and in this order",
    "signers[2]",
    `'${SECOND}'`,
  ],
  ["quorum", 2, "must be more than two thirds of the 4 signers, and not more than all"],
  ["quorum", 5, "must be more than two thirds of the 4 signers, and not more than all"],
  ["quorum", "3", "must be a whole number from 1 to 64"],
  ["quorum", 3.5, "must be a whole number from 1 to 64"],
  ["epochLength", "59 seconds", 'must be a time from 1 minute to 30 days, as "2 days"'],
  ["epochLength", "31 days", 'must be a time from 1 minute to 30 days, as "2 days"'],
  ["auctionPeriod", "59 seconds", 'must be a time from 1 minute to 30 days, as "2 days"'],
  ["auctionPeriod", "31 days", 'must be a time from 1 minute to 30 days, as "2 days"'],
  ["vetoWindow", "59 seconds", 'must be a time from 1 minute to 7 days, as "2 days"'],
  ["grace", "22 days", 'must be a time from 1 minute to 21 days, as "2 days"'],
  ["grace", "59 hours", "must be at least governor.minDelay + 2 vetoWindow, 60 hours"],
  ["operations.treasury", ZeroAddress, ADDRESS_RULE],
  ["operations.share", 2_001, "must be a whole number from 0 to 2000"],
  ["operations.share", -1, "must be a whole number from 0 to 2000"],
  ["operations.share", NaN, "must be a whole number from 0 to 2000"],
  ["assets", {}, "must be a list of 0 to 16"],
  ["assets[0].address", ZeroAddress, ADDRESS_RULE],
  ["assets[0].referencePrice", "0", REFERENCE_RULE],
  ["assets[0].referencePrice", "0.000000000999999999", REFERENCE_RULE],
  ["assets[0].referencePrice", "1_000_000_000.000000000000000001", REFERENCE_RULE],
  ["assets[0].referencePrice", "0.0000000000000000001", REFERENCE_RULE],
  ["assets[0].referencePrice", 20, REFERENCE_RULE],
  [
    "assets",
    [1, 2].map(() => ({ address: OTHER, referencePrice: "1" })),
    "must not be named twice",
    "assets[1].address",
    `'${OTHER}'`,
  ],
  ["allocations", [], "must be a list of 1 to 32"],
  ["allocations[0]", null, "must have the fields name, amount, holder"],
  ["allocations[0].name", "the treasury", "must be a name of letters and digits"],
  ["allocations[0].name", "team", "must not be named twice", "allocations[1].name"],
  ["allocations[0].amount", "-1", AMOUNT_RULE],
  ["allocations[0].amount", "0", AMOUNT_RULE, "allocations[0].amount"],
  ["allocations[0].amount", "349_999_999.999999999999999999", "must sum to 650000000.0 TFT", "allocations"],
  ["allocations[0].amount", "350_000_000.000000000000000001", "must sum to 650000000.0 TFT", "allocations"],
  ["allocations[0].holder", ZeroAddress, ADDRESS_RULE],
  ["allocations[1].vesting", null, "must have the fields beneficiary, start, duration, cliff"],
  ["allocations[1].vesting.beneficiary", ZeroAddress, ADDRESS_RULE],
  ["allocations[1].vesting.start", "2027-01-01", 'must be a time in UTC, as "2027-01-01T00:00:00Z"'],
  ["allocations[1].vesting.start", "2027-13-01T00:00:00Z", 'must be a time in UTC, as "2027-01-01T00:00:00Z"'],
  ["allocations[1].vesting.start", 1_798_761_600, 'must be a time in UTC, as "2027-01-01T00:00:00Z"'],
  ["allocations[1].vesting.duration", "36501 days", 'must be a time from 1 second to 36500 days, as "2 days"'],
  ["allocations[1].vesting.duration", "-1 days", 'must be a time from 1 second to 36500 days, as "2 days"'],
  ["allocations[1].vesting.cliff", "1461 days", "must not exceed the duration, 1460 days"],
  ["allocations[1].vesting.cliff", "36501 days", 'must be a time from 0 seconds to 36500 days, as "2 days"'],
];

/** The fields that there must be, each of which is left out once. */
const FIELDS = [
  ...["governor", "governor.minDelay", "governor.proposers", "governor.executors", "guardian", "signers", "quorum"],
  ...["epochLength", "auctionPeriod", "vetoWindow", "grace", "operations", "operations.treasury", "operations.share"],
  ...["assets", "assets[0].address", "assets[0].referencePrice", "allocations", "allocations[0].name"],
  ...["allocations[0].amount", "allocations[0].holder", "allocations[1].vesting.beneficiary"],
  ...["allocations[1].vesting.start", "allocations[1].vesting.duration", "allocations[1].vesting.cliff"],
];

/** The first `count` of a series of ascending addresses. */
function ascending(count: number): string[] {
  return Array.from({ length: count }, (_, i) => getAddress(toBeHex(i + 1, 20)));
}

/** The local parameters with an asset, as a document to spoil. */
function validDocument(): Record<string, unknown> {
  const document: Record<string, unknown> = JSON5.parse(readFileSync(LOCAL, "utf8"));
  return { ...document, assets: [{ address: OTHER, referencePrice: "20" }] };
}

/** Sets the field at a path, or removes it where the value is undefined. */
function set(document: Record<string, unknown>, field: string, value: unknown): void {
  const keys = field.split(/[.[\]]+/).filter((key) => key !== "");
  const last = keys.pop() ?? field;
  let parent = document;
  for (const key of keys) parent = parent[key] as Record<string, unknown>;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
}

function problemsOf(validate: () => unknown): ParameterProblem[] {
  try {
    validate();
  } catch (error) {
    if (error instanceof DeploymentParametersError) return error.problems;
    throw error;
  }
  return [];
}

describe("deployment parameters", () => {
  describe("validateParameters", () => {
    for (const value of [undefined, null, [], "parameters"]) {
      it(`refuses ${JSON5.stringify(value)} for an object`, () => {
        const [problem, ...more] = problemsOf(() => validateParameters(value));
        expect(problem.path).to.equal("parameters");
        expect(problem.rule).to.match(/^must have the fields governor, guardian, signers, quorum, /);
        expect(more).to.deep.equal([]);
      });
    }

    for (const field of FIELDS) {
      it(`refuses parameters without ${field}`, () => {
        const document = validDocument();
        set(document, field, undefined);
        expect(problemsOf(() => validateParameters(document))).to.deep.equal([
          { path: field, value: "undefined", rule: "must be given" },
        ]);
      });
    }

    for (const [field, known] of [
      ["guardians", "governor, guardian, signers, quorum"],
      ["toString", "governor, guardian, signers, quorum"],
      ["governor.admin", "minDelay, proposers, executors"],
      ["operations.rate", "treasury, share"],
      ["assets[0].decimals", "address, referencePrice"],
      ["allocations[0].cliff", "name, amount, holder"],
      ["allocations[1].holder", "name, amount, vesting"],
      ["allocations[1].vesting.end", "beneficiary, start, duration, cliff"],
    ]) {
      it(`refuses an unknown field ${field}`, () => {
        const document = validDocument();
        set(document, field, 1);
        const [problem, ...more] = problemsOf(() => validateParameters(document));
        expect(problem).to.include({ path: field, value: "1" });
        expect(problem.rule).to.contain(`is unknown; known are ${known}`);
        expect(more).to.deep.equal([]);
      });
    }

    for (const [field, value, rule, reportedPath = field, reportedValue] of CASES) {
      it(`refuses ${JSON5.stringify(value).slice(0, 60)} for ${field}: ${rule}`, () => {
        const document = validDocument();
        set(document, field, value);
        const problems = problemsOf(() => validateParameters(document));
        const problem = problems.find((each) => each.path.startsWith(reportedPath) && each.rule === rule);
        expect(problem, JSON5.stringify(problems)).to.not.equal(undefined);
        if (reportedValue !== undefined) expect(problem).to.include({ path: reportedPath, value: reportedValue });
      });
    }

    it("reports every problem at once, as field path: value: rule", () => {
      const document = validDocument();
      set(document, "guardian", ZeroAddress);
      set(document, "quorum", 2);
      set(document, "allocations[2].amount", "1");
      expect(() => validateParameters(document)).to.throw(
        DeploymentParametersError,
        [
          `guardian: '${ZeroAddress}': ${ADDRESS_RULE}`,
          "quorum: 2: must be more than two thirds of the 4 signers, and not more than all",
          "allocations: '550000001.0': must sum to 650000000.0 TFT",
        ].join("\n"),
      );
    });

    it("accepts a quorum of just more than two thirds, and of all", () => {
      for (const [count, quorum] of [
        [4, 3],
        [6, 5],
        [7, 5],
        [64, 43],
        [64, 64],
      ]) {
        const parameters = validateParameters({ ...validDocument(), signers: ascending(count), quorum });
        expect(parameters.quorum).to.equal(BigInt(quorum));
      }
    });

    it("accepts every bound itself", () => {
      const document = validDocument();
      for (const [field, value] of [
        ["governor.minDelay", "7 days"],
        ["epochLength", "30 days"],
        ["auctionPeriod", "60 seconds"],
        ["vetoWindow", "7 days"],
        ["grace", "21 days"],
        ["operations.share", 2_000],
        ["assets[0].referencePrice", "1_000_000_000"],
        ["allocations[1].vesting.cliff", "1460 days"],
      ] as const) {
        set(document, field, value);
      }
      const parameters = validateParameters(document);
      expect(parameters.epochLength).to.equal(30n * DAY);
      expect(parameters.auctionPeriod).to.equal(60n);
      expect(parameters.vetoWindow).to.equal(7n * DAY);
      expect(parameters.grace).to.equal(21n * DAY);
      expect(parameters.operations.share).to.equal(2_000n);
      expect(parameters.assets[0].referencePrice).to.equal(parseUnits("1000000000", 18));
    });

    it("accepts the lowest reference price, a billion base units", () => {
      const document = validDocument();
      set(document, "assets[0].referencePrice", "0.000000001");
      expect(validateParameters(document).assets[0].referencePrice).to.equal(10n ** 9n);
    });

    it("reads times as seconds, instants as unix time and TFT with 18 decimals", () => {
      const { governor, vetoWindow, assets, allocations } = validateParameters(validDocument());
      expect(governor.minDelay).to.equal(2n * DAY);
      expect(vetoWindow).to.equal(21_600n);
      expect(assets).to.deep.equal([{ address: OTHER, referencePrice: parseUnits("20", 18) }]);
      expect(allocations[1]).to.deep.equal({
        name: "team",
        amount: parseUnits("200000000", 18),
        vesting: {
          beneficiary: "0xdD2FD4581271e230360230F9337D5c0430Bf44C0",
          start: 1_798_761_600n,
          duration: 1_460n * DAY,
          cliff: 365n * DAY,
        },
      });
    });
  });

  describe("formatDuration", () => {
    it("writes times in the largest unit that divides them", () => {
      const written = [0n, 1n, 59n, MINUTE, HOUR, 90n * MINUTE, DAY, 21n * DAY].map(formatDuration);
      expect(written).to.deep.equal([
        ...["0 seconds", "1 second", "59 seconds", "1 minute", "1 hour", "90 minutes", "1 day", "21 days"],
      ]);
    });
  });

  describe("readParameters", () => {
    it("refuses what is not JSON5, with the place", () => {
      const [problem, ...more] = problemsOf(() => readParameters(__filename));
      expect(problem).to.include({ path: __filename, rule: "must be JSON5" });
      expect(problem.value).to.match(/invalid character .* at 1:1/);
      expect(more).to.deep.equal([]);
    });

    it("refuses a file that is not there", () => {
      expect(() => readParameters(path.join(DIRECTORY, "none.json5"))).to.throw(/ENOENT/);
    });

    it("accepts the local parameters as they are", () => {
      expect(readParameters(LOCAL).signers).to.have.length(4);
    });

    for (const { file: network } of PUBLIC) {
      const file = path.join(DIRECTORY, `${network}.json5`);

      it(`refuses the parameters of ${network} until each of their blanks is filled in, by name`, () => {
        const blanks = readFileSync(file, "utf8").match(/"FILL IN: /g) ?? [];
        const problems = problemsOf(() => readParameters(file));
        expect(blanks.length).to.be.above(0);
        expect(problems).to.have.length(blanks.length);
        for (const { value } of problems) expect(value).to.match(/^['"]FILL IN: /);
      });
    }
  });

  describe("the files", () => {
    it("are one for each public chain, and two for a local one", () => {
      const files = readdirSync(DIRECTORY).map((file) => path.parse(file).name);
      expect(files).to.have.members(["local", "minutes", ...PUBLIC.map(({ file }) => file)]);
    });

    for (const { file, title, stablecoins } of PUBLIC) {
      it(`list on ${title} what its maker issues there, marked if openOrderWithPermit does not serve it`, () => {
        const { text, parameters } = readFile(file);
        expect(parameters.assets.map(({ address }) => address)).to.deep.equal(
          stablecoins.map(({ address }) => address),
        );
        for (const { symbol, address } of stablecoins) {
          const before = text.slice(0, text.indexOf(address)).split("\n");
          const mark = before.filter((line) => line.trim().startsWith("//")).at(-1);
          expect(mark, address).to.contain(symbol);
          expect(mark?.includes("no ERC-2612 permit"), address).to.equal(!PERMITTED.includes(symbol));
        }
      });
    }

    for (const [file, inclusion] of Object.entries(FORCED_INCLUSION)) {
      it(`leave the guardian the time of mainnet's past the sequencer on ${file}, and change nothing else`, () => {
        const { parameters: mainnet } = readFile("mainnet");
        const { parameters } = readFile(file);
        expect(parameters.vetoWindow).to.equal(mainnet.vetoWindow + inclusion);
        const spare = mainnet.grace - mainnet.governor.minDelay - 2n * mainnet.vetoWindow;
        expect(parameters.grace - parameters.governor.minDelay - 2n * parameters.vetoWindow).to.equal(spare);
        const common = (each: DeploymentParameters) => ({ ...each, vetoWindow: 0n, grace: 0n, assets: [] });
        expect(common(parameters)).to.deep.equal(common(mainnet));
      });
    }
  });
});
