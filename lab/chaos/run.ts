import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";

import type { Random } from "@turingfog/economy";
import { network } from "hardhat";

import type { Cast } from "./acts/act";
import { closeBooks, type Finding } from "./books";
import { countPublished, readChain, readMeters } from "./entries";
import { Keeper } from "./keeper";
import { Meter } from "./meter";
import { Renter } from "./renter";
import { type Size, storm, type Storm } from "./storm";
import { CHAIN_ID, World } from "./world";

/** What a run is asked for. */
export interface Asked {
  kills: number;
  size: Size;
  random: Random;
  /** Whether an order is left unsettled, and somebody is paid twice. */
  plant: boolean;
  /** Folder for what everybody has printed. */
  logs?: string;
  say: (line: string) => void;
}

/** What a run has come to. */
export interface Outcome {
  kills: number;
  orders: number;
  /** TU, 18 decimals. */
  settled: bigint;
  /** TFT, 18 decimals. */
  claimed: bigint;
  refused: Map<string, number>;
  storm: Storm;
  findings: Finding[];
  /** What of the run was not as it should, beside the books. */
  failures: string[];
}

/** Seconds that all that was begun may take after the storm. */
const CALM = 180;

/** TFT that are paid a second time if faults are planted. */
const PLANTED = 10n ** 18n;

/** Lives a storm through, lets it calm down, pays everybody, and closes the books. */
export async function runChaos(asked: Asked): Promise<Outcome> {
  const { kills, size, random, plant, say } = asked;
  const world = await World.open();
  try {
    await world.startSigners();
    await world.startAgents();
    const renter = new Renter(world);
    const keeper = new Keeper(world, (orderId) => plant && orderId === renter.rented[0].orderId);
    keeper.start();
    const [worker, seller, withholder, equivocator] = await Promise.all([0, 1, 2, 3].map((i) => Meter.start(world, i)));
    const meters = { worker, seller, withholder, equivocator };
    const cast: Cast = { world, renter, keeper, random, meters };

    const played = await storm(cast, { kills, size, say });
    say("calm");
    const failures = [...played.failed, ...(await calm(cast))];
    await keeper.stop();
    await renter.stop();
    await Promise.all(Object.values(meters).map((meter) => meter.stop()));
    for (const { name, crashes } of world.members)
      failures.push(...crashes.map((how) => `${name} ended by itself with ${how}`));
    const ended = await world.stop();
    failures.push(...ended.map((name) => `${name} did not end with 0 when it was asked to`));

    say("pay out");
    const orderIds = [
      ...renter.rented.map(({ orderId }) => orderId),
      ...new Set(Object.values(meters).flatMap((meter) => [...meter.orders.keys()])),
    ];
    const claimed = await keeper.payOut(orderIds);
    if (plant) await payTwice(world);

    const entries = await readChain(network.provider, world.protocol.addresses);
    const { escrow } = world.protocol.addresses;
    const honest = world.agents.flatMap(({ store }, i) => readMeters(store, world.nodeIds[i], CHAIN_ID, escrow));
    const told = Object.values(meters).flatMap((meter) => meter.entries(owedBy(cast, meter)));
    const books = { ...entries, meters: [...honest, ...told] };
    failures.push(...unpublished(world, entries.dataHashes));
    const settled = books.settlements.reduce(
      (all, each) => all.set(`${each.orderId} ${each.nodeId}`, each.settledTU),
      new Map<string, bigint>(),
    );
    return {
      kills: played.killer.count,
      orders: orderIds.length,
      settled: [...settled.values()].reduce((sum, tu) => sum + tu, 0n),
      claimed,
      refused: world.refusals.counts,
      storm: played,
      findings: closeBooks(books),
      failures,
    };
  } finally {
    await world.close(asked.logs);
  }
}

/** Waits until all that was begun is done: results fetched, receipts of all work submitted, and their roots final. */
async function calm(cast: Cast): Promise<string[]> {
  const { world, renter, keeper } = cast;
  const { worker } = cast.meters;
  const failures: string[] = [];
  const within = (what: string, isSo: () => Promise<boolean>) =>
    world
      .until(what, async () => (await isSo()) || undefined, CALM)
      .catch((error: Error) => failures.push(error.message));
  for (const member of world.members.filter(({ isUp }) => !isUp)) member.start();

  await within("Every result at its renter", async () => renter.isServed);
  const { escrow } = world.protocol.addresses;
  await within("A submitted receipt of all that was worked", async () => {
    await keeper.settle();
    const entries = world.agents.flatMap(({ store }, i) => readMeters(store, world.nodeIds[i], CHAIN_ID, escrow));
    const all = [...entries, ...worker.entries((_, workedTU) => workedTU)];
    return all.every(({ orderId, nodeId, owedTU }) => keeper.submittedTU(orderId, nodeId) >= owedTU);
  });
  await within("A receipt of what a cheat did work", async () => {
    const { seller, withholder } = cast.meters;
    return [seller, withholder].every(
      ({ orders, nodeId }) =>
        orders.size === 0 || [...orders.keys()].some((orderId) => keeper.submittedTU(orderId, nodeId) > 0n),
    );
  });
  await world.chain.increase(await world.protocol.contracts.oracle.VETO_WINDOW());
  await sleep(1_000);
  await keeper.settle();
  return failures;
}

/** Returns what a node without an agent must be paid: all if it is honest, and nothing if it cheats. */
function owedBy({ meters }: Cast, meter: Meter): (orderId: bigint, workedTU: bigint) => bigint {
  return (_, workedTU) => (meter === meters.worker ? workedTU : 0n);
}

/** Has the reward pool pay somebody once more than it owes them. */
async function payTwice({ protocol }: World): Promise<void> {
  const { tft, pool } = protocol.contracts;
  const { treasury, miners } = protocol.actors;
  const { ethers } = await import("hardhat");
  const address = await pool.getAddress();
  await tft.connect(treasury).transfer(address, PLANTED);
  const payer = await ethers.getImpersonatedSigner(address);
  await network.provider.send("hardhat_setBalance", [address, "0xde0b6b3a7640000"]);
  await tft.connect(payer).transfer(miners[0], PLANTED);
}

/** Returns which submitted roots have fewer files than signers of a quorum. */
function unpublished(world: World, dataHashes: readonly string[]): string[] {
  const counts = countPublished(world.signers.map(({ folder }) => path.join(folder, "state/receipts")));
  const { quorum } = world.protocol.params;
  return dataHashes
    .filter((hash) => (counts.get(hash) ?? 0) < Number(quorum))
    .map((hash) => `the file ${hash} lies at ${counts.get(hash) ?? 0} signers, ${quorum} have signed its root`);
}
