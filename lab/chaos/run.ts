import path from "node:path";

import type { Random } from "@turingfog/economy";
import { UniswapV3BuybackFiller__factory } from "@turingfog/sdk/ethers";
import type { Interface } from "ethers";
import { network } from "hardhat";

import type { Cast } from "./acts/act";
import { closeBooks, type Finding } from "./books";
import { countPublished, readChain, readMeters } from "./entries";
import type { Witness } from "./lines";
import { Meter } from "./meter";
import { Payday } from "./payday";
import { payTwice } from "./plant";
import { Published } from "./published";
import { type Race, readRace } from "./race";
import { Renter } from "./renter";
import { type Size, storm } from "./storm";
import { Thief } from "./thief";
import { RacingWallet } from "./wallet";
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
  /** Those that were settled by an acknowledgement. */
  acknowledged: bigint;
  /** TFT, 18 decimals. */
  claimed: bigint;
  refused: Map<string, number>;
  race: Race;
  witnesses: Witness[];
  findings: Finding[];
  /** What of the run was not as it should, beside the books. */
  failures: string[];
}

/** Lives a storm through, lets it calm down, has everybody paid, and closes the books. */
export async function runNetwork(asked: Asked): Promise<Outcome> {
  const { kills, size, random, plant, say } = asked;
  const world = await World.open();
  let thief: Thief | undefined;
  try {
    await world.startSigners();
    await world.startRelay();
    await world.startAgents();
    await world.startKeepers({ settle: !plant });
    thief = await Thief.open();
    await world.startWatch(thief.endpoint);
    const renter = new Renter(world);
    const [worker, seller, withholder, equivocator] = await Promise.all([0, 1, 2, 3].map((i) => Meter.start(world, i)));
    const meters = { worker, seller, withholder, equivocator };
    const cast: Cast = { world, renter, random, meters, thief };
    const orderIds = () => [
      ...renter.rented.map(({ orderId }) => orderId),
      ...new Set(Object.values(meters).flatMap((meter) => [...meter.orders.keys()])),
    ];
    const published = new Published(world);
    const wallet = new RacingWallet(world, published, orderIds, random);
    if (!plant) await wallet.start();

    const played = await storm(cast, { kills, size, say });
    say("calm");
    const payday = new Payday(cast, published, orderIds);
    const failures = [...played.failed, ...(await payday.calm())];
    if (plant) await payday.settleAllBut(renter.rented[0].orderId);
    else failures.push(...(await payday.settle()));
    await renter.stop();
    await Promise.all(Object.values(meters).map((meter) => meter.stop()));
    failures.push(...(await world.stop([...world.signers, ...world.agents, ...world.relays])).map(notStopped));

    say("pay out");
    failures.push(...(await payday.payOut()));
    await wallet.stop();
    failures.push(...(await world.stop([...world.keepers, ...world.watches])).map(notStopped));
    for (const { name, crashes } of world.members)
      failures.push(...crashes.map((how) => `${name} ended by itself with ${how}`));
    if (plant) await payTwice(world);

    const entries = await readChain(network.provider, world.protocol.addresses);
    const { escrow } = world.protocol.addresses;
    const honest = world.agents.flatMap(({ store }, i) => readMeters(store, world.nodes[i].nodeId, CHAIN_ID, escrow));
    const told = Object.values(meters).flatMap((meter) => meter.entries(owedBy(cast, meter)));
    failures.push(...unpublished(world, entries.dataHashes), ...unserved(cast));
    return {
      kills: played.killer.count,
      orders: orderIds().length,
      ...settledIn(entries.settlements),
      claimed: entries.payouts.reduce((sum, { amount }) => sum + amount, 0n),
      refused: world.refusals.counts,
      race: await raceOf(world, wallet),
      witnesses: played.witnesses,
      findings: closeBooks({ ...entries, meters: [...honest, ...told] }),
      failures,
    };
  } finally {
    await world.close(asked.logs);
    await thief?.close();
  }
}

function notStopped(name: string): string {
  return `${name} did not end with 0 when it was asked to`;
}

/** Returns the TU that were settled, and those of them by acknowledgements. */
function settledIn(settlements: Awaited<ReturnType<typeof readChain>>["settlements"]) {
  const last = new Map<string, bigint>();
  let [settled, acknowledged] = [0n, 0n];
  for (const { orderId, nodeId, settledTU, isAcknowledged } of settlements) {
    const key = `${orderId} ${nodeId}`;
    const more = settledTU - (last.get(key) ?? 0n);
    last.set(key, settledTU);
    settled += more;
    if (isAcknowledged) acknowledged += more;
  }
  return { settled, acknowledged };
}

function raceOf({ protocol, keepers, genesis }: World, wallet: RacingWallet): Promise<Race> {
  const { escrow, controller, pool, vault } = protocol.addresses;
  const { contracts } = protocol;
  const racers = new Map(keepers.map(({ name, address }) => [address, name]));
  racers.set(wallet.address.toLowerCase(), "wallet");
  const filler = UniswapV3BuybackFiller__factory.createInterface();
  const functions: [string, Interface][] = [
    [escrow, contracts.escrow.interface],
    [controller, contracts.controller.interface],
    [pool, contracts.pool.interface],
    [vault, contracts.vault.interface],
    [genesis.filler, filler],
  ];
  return readRace(network.provider, racers, new Map(functions.map(([to, each]) => [to.toLowerCase(), each])));
}

/** Returns what a node without an agent must be paid: all if it is honest, and nothing if it cheats. */
function owedBy({ meters }: Cast, meter: Meter): (orderId: bigint, workedTU: bigint) => bigint {
  return (_, workedTU) => (meter === meters.worker ? workedTU : 0n);
}

/** Returns what renters did not get: results that are wrong, and a way of paying that nobody has used. */
function unserved({ world, renter: { rented } }: Cast): string[] {
  const wrong = rented.filter(({ isRight }) => isRight === false);
  const ways: [string, boolean][] = [
    ["no order was paid in TFT", rented.some(({ asset }) => asset === "tft")],
    ["no order was paid by a permit", rented.some(({ asset }) => asset !== "tft")],
    ["no order was acknowledged", rented.some(({ isAcknowledged }) => isAcknowledged)],
    ["no result came by the relay", rented.some(({ agent, isRight }) => world.isRelayed(agent) && isRight === true)],
    ["no result has what its job should have made", rented.some(({ isRight }) => isRight === true)],
  ];
  return [
    ...wrong.map(({ orderId }) => `the result of order ${orderId} is not what its job should have made`),
    ...ways.filter(([, isSo]) => !isSo).map(([what]) => what),
  ];
}

/** Returns which submitted roots have fewer files than signers of a quorum. */
function unpublished(world: World, dataHashes: readonly string[]): string[] {
  const counts = countPublished(world.signers.map(({ folder }) => path.join(folder, "state/receipts")));
  const { quorum } = world.protocol.params;
  return dataHashes
    .filter((hash) => (counts.get(hash) ?? 0) < Number(quorum))
    .map((hash) => `the file ${hash} lies at ${counts.get(hash) ?? 0} signers, ${quorum} have signed its root`);
}
