import { DAY, HOUR, TU, WAD as TFT } from "@turingfog/sdk";
import { MaxUint256 } from "ethers";

import { PRODUCTION_MINING_END } from "./reference/supply";
import { World } from "./reference/world";
import { Runner } from "./run";
import { NO_REUSE, START_NAMES, type Action, type StartName, type ModelStep } from "./steps";
import type { System } from "./system";
import type { Tally } from "./tally";

/** Where sequences start. What leads there is lived and compared like any sequence. */

const MILLION = 1_000_000n * TFT;
const SECONDS_PER_DAY = Number(DAY);

/** How far before a boundary: a few typical orders. */
const DISTANCE = 1_000n * TFT;

/** The one in TFT of those that are opened at each start, counted from the newest. */
const TFT_ORDER = 2;

const soon = (action: Action): ModelStep => ({ when: { after: 5 }, action });

/** Funds are approved, and three nodes offer their compute in everything that is listed. */
function openMarket(): ModelStep[] {
  const approvals = ["renter0", "renter1", "bidder", "treasury"].flatMap((owner) =>
    (["tft", "usd", "dai"] as const).flatMap((asset) =>
      (["escrow", "controller"] as const).map((spender): Action => ({
        do: "approveToken",
        asset,
        owner,
        spender,
        amount: MaxUint256,
      })),
    ),
  );
  const hardware = [
    { gpuModel: "V100", gpuCount: 8n },
    { gpuModel: "GTX 1080 Ti", gpuCount: 1n },
    { gpuModel: "RTX 2080 Ti", gpuCount: 1_024n },
  ];
  // a lot of the first two nodes' sales in DAI can be such that 1 % of it is a whole number, the others seldom are
  const prices = [50n * TFT, 12_345_678n, 7n * TFT];
  const nodes = hardware.flatMap(({ gpuModel, gpuCount }, i): Action[] => [
    { do: "registerNode", owner: `miner${i}`, gpuModel, gpuCount, payout: `miner${i}` },
    { do: "attestNode", node: i, from: "now", seconds: 30 * (i + 1) * SECONDS_PER_DAY, flaw: "none" },
    ...(["tft", "usd", "dai"] as const).map((asset, j): Action => ({
      ...{ do: "setListing", node: i, caller: null, asset },
      ...{ unitPrice: prices[j] * BigInt(i + 1) + (i === 2 ? 3n : 0n), capacityTU: 1_000n * TU },
    })),
  ]);
  return [...[...approvals, ...nodes].map(soon), untilAttested(2)];
}

/** Waits until the attestation of one of the nodes that are pending counts, the earliest first. */
function untilAttested(pick: number): ModelStep {
  return { when: { at: "counts", pick, offset: 0 }, action: { do: "wait" } };
}

/** Whatever vests is in the treasury at once. */
function gather(): ModelStep[] {
  const amounts = { vesting0: 200_000_000n * TFT, vesting1: 100_000_000n * TFT };
  return Object.entries(amounts).map(([from, amount]) =>
    soon({ do: "transferToken", asset: "tft", from, to: "treasury", amount }),
  );
}

/** The treasury orders for this much on the fastest node, which it owns, and has it destroyed and claimed. */
function spend(amount: bigint): ModelStep[] {
  const node = 3;
  return [
    soon({ do: "attestNode", node, from: "now", seconds: 90 * SECONDS_PER_DAY, flaw: "none" }),
    untilAttested(0),
    soon({
      ...{ do: "openOrder", payer: "treasury", node: "joint", asset: "tft", tuAmount: TU, maxUnitPrice: amount },
      ...{ aboveListing: null, duration: HOUR, renter: "treasury", refundTo: "zero", paymentRef: 0, permit: "none" },
      reuse: NO_REUSE,
    }),
    {
      when: { after: Number(HOUR) },
      action: {
        ...{ do: "submit", flaw: "none", hash: "given" },
        receipts: [{ order: 0, node, percent: 100, extra: 0, measured: "now", offset: 0 }],
      },
    },
    {
      when: { at: "final", pick: 0, offset: 0 },
      action: { do: "settle", root: 0, asset: "matching", leaves: 0, proof: "valid" },
    },
    soon({ do: "close", order: 0, caller: "stranger" }),
    burnTft(),
    soon({ do: "claim", miner: "treasury", buckets: [0], to: "treasury" }),
  ];
}

/** The holder's refundee acknowledges more of the open order in TFT, so much in all. */
export function acknowledgeTft(percent: number): ModelStep {
  const acknowledgement = { order: TFT_ORDER, percent, extra: 0, signer: null, signature: "valid" } as const;
  return soon({ do: "acknowledge", asset: "matching", caller: "stranger", acknowledgements: [acknowledgement] });
}

/** The second miner earns in one round of TFT after another, and claims nothing. Each takes one percent of the order. */
export function neglect(rounds: number, percentBefore = 0): ModelStep[] {
  return Array.from({ length: rounds }, (_, i) => [acknowledgeTft(percentBefore + i + 1), burnTft()]).flat();
}

export function burnTft(): ModelStep {
  return { when: { at: "epoch", pick: 0, offset: 0 }, action: { do: "burn", caller: "stranger", roundOffset: 0 } };
}

function treasuryNode(): ModelStep {
  return soon({ do: "registerNode", owner: "treasury", gpuModel: "V100", gpuCount: 1_024n, payout: "treasury" });
}

/** Orders of each kind are running, so that sequences are soon about something. */
function openBusiness(): ModelStep[] {
  const order = { do: "openOrder", maxUnitPrice: 3n * TFT, aboveListing: 0n, refundTo: "zero" } as const;
  const long = {
    tuAmount: 20n * TU + 7n,
    duration: 20n * DAY,
    paymentRef: 0,
    permit: "none",
    reuse: NO_REUSE,
  } as const;
  const round = { ...long, tuAmount: 20n * TU };
  const actions: Action[] = [
    { ...order, ...long, payer: "renter0", renter: "renter0", node: 0, asset: "usd" },
    { ...order, ...long, payer: "renter1", renter: "renter1", node: 2, asset: "dai" },
    { ...order, ...long, payer: "renter0", renter: "renter1", node: 1, asset: "tft", refundTo: "renter0" },
    { ...order, ...round, payer: "renter1", renter: "renter1", node: "joint", asset: "dai" },
    { ...order, ...long, payer: "bidder", renter: "renter0", node: "joint", asset: "usd", maxUnitPrice: 2_000_001n },
  ];
  return actions.map(soon);
}

/** From each start to the next. Half of what is spent after E1 is burned, and the other half comes back. */
const PATHS: Record<StartName, () => ModelStep[]> = {
  genesis: openMarket,
  beforeE1: () => [...gather(), treasuryNode(), ...spend(PRODUCTION_MINING_END - DISTANCE)],
  beforeE2: () => [
    ...spend(DISTANCE),
    ...[440n, 260n, 136n, 68n].flatMap((millions) => spend(millions * MILLION)),
    ...spend(21n * MILLION - 2n * DISTANCE),
  ],
  // more rounds than there are places for what a miner has earned in each
  mature: () => [...spend(4n * DISTANCE), ...neglect(11)],
};

/** A start that sequences come back to again and again. */
export class Stage {
  private constructor(
    readonly system: System,
    readonly name: StartName,
    private readonly world: World,
    private snapshot: string,
    private readonly tally: Tally,
  ) {}

  /** Lives through the starts up to `last`, one after the other. The chain can only go back from later ones to earlier. */
  static async reach(system: System, last: StartName, tally: Tally): Promise<Stage[]> {
    const world = new World(system.setting, system.genesis());
    world.now = await system.now();
    const runner = new Runner(system, world, tally);
    const stages: Stage[] = [];
    for (const name of START_NAMES.slice(0, START_NAMES.indexOf(last) + 1)) {
      await runner.run([...PATHS[name](), ...openBusiness()]);
      stages.push(new Stage(system, name, world.fork(), await system.snapshot(), tally));
    }
    return stages;
  }

  /** Goes back to the start and lives a sequence from there. */
  async live(steps: readonly ModelStep[]): Promise<void> {
    await this.system.restore(this.snapshot);
    this.snapshot = await this.system.snapshot();
    await new Runner(this.system, this.world.fork(), this.tally).run(steps);
  }
}
