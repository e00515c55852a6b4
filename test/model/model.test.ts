import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { DAY } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { explore } from "./explore";
import { exactPrice } from "./reference/price";
import { World } from "./reference/world";
import { Disagreement, Runner } from "./run";
import { fail, shrink } from "./shrink";
import { acknowledgeTft, burnTft, neglect, Stage } from "./starts";
import { readScript, START_NAMES, writeScript, type Script, type ModelStep, type When } from "./steps";
import { System } from "./system";
import { emptyTally } from "./tally";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** From each start; the long run is `npm run test:model`. */
const SEQUENCES = 5;
const LENGTH = 30;

const wait: ModelStep = { when: { after: 60 }, action: { do: "wait" } };

async function deploySystem(): Promise<System> {
  return System.deploy(await loadFixture(deployProtocolFixture));
}

describe("Reference model", () => {
  it(`agrees with the system on random sequences from genesis to maturity (SEED=${SEED}) [slow]`, async () => {
    const tally = emptyTally();
    const stages = await Stage.reach(await deploySystem(), "mature", tally);
    expect(stages.map(({ name }) => name)).to.deep.equal(START_NAMES);
    // up to E1, beyond it, down to E2, beyond it: the way is what it is meant to be
    expect(tally.refused).to.equal(0);
    expect(tally.events).to.include({ Destroyed: 19, Released: 2 });

    for (const [i, stage] of stages.reverse().entries()) {
      const found = await explore(stage, { seed: SEED + i, sequences: SEQUENCES, length: LENGTH, shrinkFor: 60_000 });
      if (found !== undefined) expect.fail(`${found.text}\n\n${writeScript(found.script)}`);
    }
    expect(tally.commands).to.be.greaterThan((SEQUENCES * START_NAMES.length * LENGTH) / 2);
  });

  it("agrees with the system on a lot that is written off, and on the round that waited behind it", async () => {
    const tally = emptyTally();
    const [stage] = await Stage.reach(await deploySystem(), "genesis", tally);
    // the order in USD on the first miner's node
    const earn = (percent: number): ModelStep[] => [
      {
        when: { after: 3_600 },
        action: {
          ...{ do: "submit", flaw: "none", hash: "given" },
          receipts: [{ order: 4, node: null, percent, extra: 0, measured: "now", offset: 0 }],
        },
      },
      {
        when: { at: "final", pick: 0, offset: 0 },
        action: { do: "settle", root: 0, asset: "matching", leaves: 1, proof: "valid" },
      },
    ];
    const buy = (when: When, share: number): ModelStep => ({
      when,
      action: {
        ...{ do: "buy", buyer: "bidder", asset: "lot", share, extra: 0n, roundOffset: 0, limit: "any", to: "bidder" },
      },
    });
    const writeOff = (offset: number): ModelStep => ({
      when: { at: "writeOff", pick: 0, offset },
      action: { do: "writeOff", caller: "stranger", asset: "lot", roundOffset: 0 },
    });

    await stage.live([
      ...earn(10),
      buy({ at: "epoch", pick: 0, offset: 7_200 }, 5_000),
      ...earn(20),
      writeOff(-1),
      writeOff(0),
      buy({ after: Number(DAY) }, 10_000),
      { when: { after: 60 }, action: { do: "claim", miner: "miner0", buckets: [0, 1], to: "miner0" } },
    ]);
    expect(tally.outcomes).to.include({ "writeOff: Controller_TooEarly": 1, writeOff: 1, buy: 2 });
    expect(tally.events).to.include({ RoundOpened: 2, LotWrittenOff: 1, LotSoldOut: 1 });
  });

  it("agrees with the system on a miner who claims nothing of more rounds than have places [T38]", async () => {
    const tally = emptyTally();
    const [stage] = await Stage.reach(await deploySystem(), "genesis", tally);
    const claim = (...buckets: number[]): ModelStep => ({
      when: { after: 60 },
      action: { do: "claim", miner: "miner1", buckets, to: "miner1" },
    });

    await stage.live([
      ...neglect(10),
      // the eleventh finds the first round's weight in its place, and stays elsewhere once that is claimed
      acknowledgeTft(11),
      claim(10),
      acknowledgeTft(12),
      burnTft(),
      // the last finds its place free, where the eleventh round was not to be
      ...neglect(10, 12),
      claim(10, 0, 10),
      claim(...Array.from({ length: 21 }, (_, i) => i)),
    ]);
    expect(tally.events).to.include({ RoundOpened: 21, WeightAdded: 22, Claimed: 3 });
  });

  describe("a disagreement", () => {
    it("is found in any view, and named", async () => {
      const system = await deploySystem();
      const world = new World(system.setting, system.genesis());
      world.now = await system.now();
      world.state.guardian = system.account("stranger");

      const disagreement = await new Runner(system, world, emptyTally()).run([wait]).catch((error: unknown) => error);
      expect(disagreement).to.be.instanceOf(Disagreement);
      expect((disagreement as Disagreement).differences).to.deep.equal([
        `oracle.guardian() is [${BigInt(system.account("guardian"))}], foreseen is [${BigInt(system.account("stranger"))}]`,
      ]);
    });

    it("is found in a revert, with the error and its arguments", async () => {
      const system = await deploySystem();
      const world = new World(system.setting, system.genesis());
      world.now = await system.now();
      const impostor: ModelStep = {
        when: { after: 60 },
        action: { do: "trespass", caller: "miner1", entry: "tft.burn" },
      };
      const { accounts } = system;
      // the model takes the one for the other
      const swapped = new Map([...accounts, ["miner1", system.account("miner2")]]);
      const confused = Object.create(system, {
        account: { value: (name: string) => swapped.get(name) },
        send: {
          value: (_from: string, to: string, data: string, at: bigint) =>
            system.send(system.account("miner1"), to, data, at),
        },
      }) as System;

      const disagreement = await new Runner(confused, world, emptyTally())
        .run([impostor])
        .catch((error: unknown) => error);
      expect((disagreement as Disagreement).differences).to.deep.equal([
        `The model refuses with TFT_NotController(${system.account("miner2")}), ` +
          `the system with TFT_NotController(${system.account("miner1")})`,
      ]);
    });

    it("is shrunk to the steps that it takes, and lived again from its script", async () => {
      const system = await deploySystem();
      const [stage] = await Stage.reach(system, "genesis", emptyTally());
      const freeze: ModelStep = { when: { after: 60 }, action: { do: "freeze", caller: null } };
      // what the chain knows alone: somebody has frozen it before the sequence
      const secretly = Object.create(stage, {
        live: {
          value: async (steps: readonly ModelStep[]) => {
            const frozenAt = steps.findIndex(({ action }) => action.do === "freeze");
            await stage.live(steps);
            if (frozenAt >= 0) throw new Disagreement(frozenAt, [], ["frozen"]);
          },
        },
      }) as Stage;

      const failure = await fail(secretly, [wait, wait, wait, freeze, wait, wait]);
      expect(failure?.steps).to.deep.equal([wait, wait, wait, freeze]);
      if (failure === undefined) return;
      const { steps } = await shrink(secretly, failure, Date.now() + 60_000);
      expect(steps).to.deep.equal([{ ...freeze, when: { after: 1 } }]);
      const script: Script = { start: "genesis", steps };
      expect(readScript(writeScript(script))).to.deep.equal(script);
    });
  });

  describe("exactPrice", () => {
    const reference = parseUnits("20", 18);

    for (const [name, elapsed, price] of [
      ["8,192 r when the clock starts", 0n, 8_192n * reference],
      ["256 r after half the opening", DAY / 24n, 256n * reference],
      ["8 r after the opening, a twelfth of the first period", DAY / 12n, 8n * reference],
      ["r / 4 after the first period", DAY, reference / 4n],
      ["r / 64 after the second", 2n * DAY, reference / 64n],
    ] as const) {
      it(`is ${name}`, () => {
        expect(exactPrice(reference, elapsed, DAY)).to.be.oneOf([price, price - 1n]);
      });
    }
  });
});
