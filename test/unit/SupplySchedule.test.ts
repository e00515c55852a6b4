import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { MaxUint256 } from "ethers";
import fc from "fast-check";
import { ethers } from "hardhat";

import * as supply from "@turingfog/sdk";
import { SupplyScheduleHarness__factory, type SupplyScheduleHarness } from "../../typechain-types";
import * as model from "../model/reference/supply";
import { TFT } from "../model/reference/units";

const SEED = Number(process.env.SEED ?? 1);
const HISTORIES = 20_000;

/** Few, because the in-process chain keeps a trace of every instruction of a call. */
const HISTORIES_PER_CALL = 100;

const { PRODUCTION_MINING_END: E1, BURNING_END: E2, RESERVE } = model;

const { ProductionMining, BuybackDistribution, Mature } = supply.Phase;

async function deployHarness() {
  const [deployer] = await ethers.getSigners();
  return { harness: await new SupplyScheduleHarness__factory(deployer).deploy() };
}

/** A destruction, told by what it aims at; the amount follows from where the supply stands. */
type Aim = { at: "amount"; amount: bigint } | { at: "E1" | "E2"; off: bigint };

const aims: fc.Arbitrary<Aim> = fc.oneof(
  {
    weight: 4,
    // every order of magnitude alike, from one unit to all of the supply
    arbitrary: fc
      .integer({ min: 0, max: 90 })
      .chain((bits) => fc.bigInt({ min: 0n, max: 1n << BigInt(bits) }))
      .map((amount): Aim => ({ at: "amount", amount })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ at: fc.constantFrom("E1" as const, "E2" as const), off: fc.bigInt({ min: -3n, max: 3n }) }),
  },
);

/** The least amount that burns up to a boundary exactly, and a few units more or less. */
function amountOf(aim: Aim, burned: bigint): bigint {
  if (aim.at === "amount") return aim.amount;
  const untilE1 = burned < E1 ? E1 - burned : 0n;
  const amount = aim.at === "E1" ? untilE1 : untilE1 + 2n * (E2 - burned - untilE1);
  return amount + aim.off > 0n ? amount + aim.off : 0n;
}

interface Step {
  b1: bigint;
  b2: bigint;
  distributed: bigint;
  released: bigint;
  phase: bigint;
}

function tell(index: number, amounts: readonly bigint[], steps: readonly Step[]): string {
  const destructions = steps.map(
    ({ b1, b2, distributed, released, phase }, i) =>
      `  ${amounts[i]}: burn ${b1} + ${b2}, distribute ${distributed}, released ${released}, phase ${phase}`,
  );
  return [`history ${index}`, ...destructions].join("\n");
}

function modelHistory(history: readonly Aim[]): { amounts: bigint[]; steps: Step[] } {
  const amounts: bigint[] = [];
  const steps: Step[] = [];
  let burned = 0n;
  for (const aim of history) {
    const amount = amountOf(aim, burned);
    const { b1, b2, distributed } = model.splitOf(amount, burned);
    burned += b1 + b2;
    amounts.push(amount);
    steps.push({ b1, b2, distributed, released: model.entitlement(burned), phase: model.phaseAt(burned) });
  }
  return { amounts, steps };
}

function libraryHistory(amounts: readonly bigint[]): (Step & supply.SupplyState)[] {
  let state = supply.GENESIS;
  return amounts.map((amount) => {
    const next = supply.destroy(state, amount);
    state = next;
    return { ...next, phase: BigInt(next.phase) };
  });
}

/** Decoded by hand: ethers takes longer for the results than the chain for the calls. */
async function replay(harness: SupplyScheduleHarness, histories: readonly bigint[][]): Promise<Step[][]> {
  const amounts = histories.flatMap((history) => [MaxUint256, ...history]);
  const answer = await ethers.provider.call(await harness.replay.populateTransaction(amounts));
  const words = Array.from(answer.slice(2).matchAll(/.{64}/g), ([word]) => BigInt(`0x${word}`));
  const OFFSET_AND_LENGTH = 2;
  let next = OFFSET_AND_LENGTH;
  return histories.map((history) =>
    history.map(() => {
      const [b1, b2, distributed, released, phase] = words.slice(next, (next += 5));
      return { b1, b2, distributed, released, phase };
    }),
  );
}

function randomHistories() {
  const histories = fc.sample(fc.array(aims, { minLength: 2, maxLength: 5 }), { numRuns: HISTORIES, seed: SEED });
  return histories.map(modelHistory);
}

describe("SupplySchedule", () => {
  describe("constants", () => {
    it("are the published ones, and the SDK has the same", async () => {
      const { harness } = await loadFixture(deployHarness);
      const published = {
        NOMINAL_SUPPLY: model.NOMINAL,
        ULTIMATE_SUPPLY: 100_000_000n * TFT,
        RESERVE,
        RELEASE_NUMERATOR: 4n,
        RELEASE_DENOMINATOR: 5n,
        PRODUCTION_MINING_END: E1,
        BURNING_END: E2,
      };
      for (const name of Object.keys(published) as (keyof typeof published)[]) {
        expect(await harness[name](), name).to.equal(published[name]);
        expect(supply[name], name).to.equal(published[name]);
      }
    });
  });

  describe("phase", () => {
    const cases: [what: string, burned: bigint, phase: supply.Phase][] = [
      ["nothing is burned", 0n, ProductionMining],
      ["one unit is left until E1", E1 - 1n, ProductionMining],
      ["E1 is burned", E1, BuybackDistribution],
      ["one unit is left until E2", E2 - 1n, BuybackDistribution],
      ["E2 is burned", E2, Mature],
    ];
    for (const [what, burned, phase] of cases) {
      it(`is ${supply.Phase[phase]} when ${what}`, async () => {
        const { harness } = await loadFixture(deployHarness);
        expect(await harness.phase(burned)).to.equal(phase);
        expect(supply.phase(burned)).to.equal(phase);
      });
    }
  });

  describe("entitlement", () => {
    const cases: [what: string, burned: bigint, entitlement: bigint][] = [
      ["is nothing for nothing", 0n, 0n],
      ["is nothing for one unit", 1n, 0n],
      ["is one unit for two", 2n, 1n],
      ["is four units for five", 5n, 4n],
      ["rounds down", 9n, 7n],
      ["is one unit short of the reserve one unit before E1", E1 - 1n, RESERVE - 1n],
      ["is the whole reserve at E1", E1, RESERVE],
      ["stays the whole reserve after E1", E1 + 1n, RESERVE],
      ["stays the whole reserve at E2", E2, RESERVE],
    ];
    for (const [what, burned, entitlement] of cases) {
      it(what, async () => {
        const { harness } = await loadFixture(deployHarness);
        expect(await harness.entitlement(burned)).to.equal(entitlement);
        expect(supply.entitlement(burned)).to.equal(entitlement);
      });
    }
  });

  describe("split", () => {
    const PHASE_2 = E2 - E1;
    const cases: [
      what: string,
      bought: bigint,
      burned: bigint,
      split: [b1: bigint, b2: bigint, distributed: bigint],
    ][] = [
      ["splits nothing into nothing in ProductionMining", 0n, 0n, [0n, 0n, 0n]],
      ["splits nothing into nothing in BuybackDistribution", 0n, E1, [0n, 0n, 0n]],
      ["splits nothing into nothing in Mature", 0n, E2, [0n, 0n, 0n]],
      ["burns the first unit ever", 1n, 0n, [1n, 0n, 0n]],
      ["burns all in ProductionMining", 7n * TFT, 0n, [7n * TFT, 0n, 0n]],
      ["burns the last unit that empties the reserve", 1n, E1 - 1n, [1n, 0n, 0n]],
      ["empties the reserve exactly, from genesis in one amount", E1, 0n, [E1, 0n, 0n]],
      ["crosses E1 by one unit, which is burned", 2n, E1 - 1n, [1n, 1n, 0n]],
      ["crosses E1 by two units, of which one is burned", 3n, E1 - 1n, [1n, 1n, 1n]],
      ["crosses E1 by three units, of which two are burned", 4n, E1 - 1n, [1n, 2n, 1n]],
      ["burns a single unit in BuybackDistribution", 1n, E1, [0n, 1n, 0n]],
      ["halves an even amount", 10n, E1, [0n, 5n, 5n]],
      ["rounds the burned half of an odd amount up", 11n, E1, [0n, 6n, 5n]],
      ["reaches E2 exactly with an odd amount", 2n * PHASE_2 - 1n, E1, [0n, PHASE_2, PHASE_2 - 1n]],
      ["reaches E2 exactly with an even amount", 2n * PHASE_2, E1, [0n, PHASE_2, PHASE_2]],
      ["distributes the first unit beyond E2", 2n * PHASE_2 + 1n, E1, [0n, PHASE_2, PHASE_2 + 1n]],
      ["burns the last unit that reaches E2", 1n, E2 - 1n, [0n, 1n, 0n]],
      ["burns one of two units when one is left until E2", 2n, E2 - 1n, [0n, 1n, 1n]],
      ["burns one of three units when one is left until E2", 3n, E2 - 1n, [0n, 1n, 2n]],
      ["crosses both boundaries and reaches E2 exactly", E1 + 2n * PHASE_2 - 1n, 0n, [E1, PHASE_2, PHASE_2 - 1n]],
      ["crosses both boundaries by one unit", 1n + 2n * PHASE_2 + 1n, E1 - 1n, [1n, PHASE_2, PHASE_2 + 1n]],
      ["crosses both boundaries with a whole supply", 2n * E2, 0n, [E1, PHASE_2, 2n * E2 - E1 - PHASE_2]],
      ["distributes a single unit in Mature", 1n, E2, [0n, 0n, 1n]],
      ["distributes all in Mature", 9n * TFT, E2, [0n, 0n, 9n * TFT]],
      ["distributes all beyond E2, where nothing is left to burn", 9n, E2 + 1n, [0n, 0n, 9n]],
    ];
    for (const [what, bought, burned, [b1, b2, distributed]] of cases) {
      it(what, async () => {
        const { harness } = await loadFixture(deployHarness);
        expect([...(await harness.split(bought, burned))]).to.deep.equal([b1, b2, distributed]);
        expect(supply.split(bought, burned)).to.deep.equal({ b1, b2, distributed });
      });
    }
  });

  describe(`on ${HISTORIES} random histories (SEED=${SEED}) [slow]`, () => {
    it("agrees, library and the SDK, with the reference model to the last unit [T29]", async () => {
      const { harness } = await loadFixture(deployHarness);
      const histories = randomHistories();

      for (let first = 0; first < histories.length; first += HISTORIES_PER_CALL) {
        const batch = histories.slice(first, first + HISTORIES_PER_CALL);
        const onChain = await replay(
          harness,
          batch.map(({ amounts }) => amounts),
        );
        const expected = batch.map(({ amounts, steps }, i) => tell(first + i, amounts, steps)).join("\n");
        const mirrored = batch.map(({ amounts }, i) => tell(first + i, amounts, libraryHistory(amounts))).join("\n");
        expect(mirrored, "the SDK").to.equal(expected);
        const replayed = batch.map(({ amounts }, i) => tell(first + i, amounts, onChain[i])).join("\n");
        expect(replayed, "SupplySchedule").to.equal(expected);
      }
    });

    it("never goes back a phase, never raises what circulates, and accounts for every unit", () => {
      const phases = new Map<bigint, number>();
      for (const [index, { amounts }] of randomHistories().entries()) {
        let state = supply.GENESIS;
        let before = supply.supplyOf(state);
        for (const [i, { b1, b2, distributed, burned, released, phase }] of libraryHistory(amounts).entries()) {
          const after = supply.supplyOf({ burned, released });
          const told = `history ${index}, destruction ${i}: ${amounts.join(", ")}`;
          if (b1 + b2 + distributed !== amounts[i]) expect.fail(`parts do not sum up: ${told}`);
          if (burned !== state.burned + b1 + b2) expect.fail(`burned is not what was burned: ${told}`);
          if (after.total + burned !== supply.NOMINAL_SUPPLY) expect.fail(`total and burned do not sum up: ${told}`);
          if (after.total < supply.ULTIMATE_SUPPLY) expect.fail(`below the ultimate supply: ${told}`);
          if (after.reserve + released !== RESERVE) expect.fail(`reserve and released do not sum up: ${told}`);
          if (released < state.released) expect.fail(`the reserve grows: ${told}`);
          if (after.phase < before.phase) expect.fail(`the phase goes back: ${told}`);
          if (after.circulating > before.circulating) expect.fail(`circulation rises: ${told}`);
          phases.set(phase, (phases.get(phase) ?? 0) + 1);
          state = { burned, released };
          before = after;
        }
      }
      // or else the histories would not say much
      for (const phase of [ProductionMining, BuybackDistribution, Mature]) {
        expect(phases.get(BigInt(phase)), supply.Phase[phase]).to.be.above(HISTORIES / 4);
      }
    });
  });
});
