import { HOUR, max } from "@turingfog/sdk";
import { answerOf, TuringFog } from "@turingfog/sdk/ethers";

import type { Cast } from "./acts/act";
import { readMeters } from "./entries";
import { settleAllBut } from "./plant";
import type { Published } from "./published";
import { CHAIN_ID } from "./world";

/** Seconds that all that was begun may take, and that keepers may take for everything. */
const CALM = 180;
const PATIENCE = 120;

/** Milliseconds without anything done after which the chain's time leaps, and for how long: until any lot can be written off. */
const STANDSTILL = 3_000;
const LEAP = 11n * HOUR;

/** Has all that was begun come to its end: results, receipts, settlements, rewards, refunds. */
export class Payday {
  constructor(
    private readonly cast: Cast,
    private readonly published: Published,
    private readonly orderIds: () => readonly bigint[],
  ) {}

  /** Waits until results are fetched, and receipts of all work submitted. Returns what did not come about. */
  async calm(): Promise<string[]> {
    const { world, renter, meters } = this.cast;
    for (const member of world.members.filter(({ isUp }) => !isUp)) member.start();
    const cheats = [meters.seller, meters.withholder].filter(({ orders }) => orders.size > 0);
    return [
      ...(await this.within("Every result at its renter", CALM, async () => renter.isServed)),
      ...(await this.within("A submitted receipt of all that was worked", CALM, async () => {
        await this.published.read();
        return this.worked().every(
          ({ orderId, nodeId, owedTU }) => this.published.submittedTU(orderId, nodeId) >= owedTU,
        );
      })),
      ...(await this.within("A receipt of what a cheat did work", CALM, async () => {
        await this.published.read();
        return cheats.every(({ orders, nodeId }) =>
          [...orders.keys()].some((orderId) => this.published.submittedTU(orderId, nodeId) > 0n),
        );
      })),
    ];
  }

  /** Lets the veto window pass, and waits until keepers have settled all that was worked. */
  async settle(): Promise<string[]> {
    const { world } = this.cast;
    const { oracle, escrow } = world.protocol.contracts;
    await world.chain.increase(await oracle.VETO_WINDOW());
    return this.within("A settlement of all that was worked", PATIENCE, async () => {
      const worked = this.worked();
      const settled = await Promise.all(worked.map(({ orderId, nodeId }) => escrow.settledTU(orderId, nodeId)));
      return worked.every(({ owedTU }, i) => settled[i] >= owedTU);
    });
  }

  /** The same without keepers, and without one order. */
  async settleAllBut(orderId: bigint): Promise<void> {
    const { world } = this.cast;
    await world.chain.increase(await world.protocol.contracts.oracle.VETO_WINDOW());
    await settleAllBut(orderId, world, this.published);
  }

  /** Lets orders end, rounds close and lots get cheap, until keepers have paid everybody all. */
  async payOut(): Promise<string[]> {
    const { world } = this.cast;
    const { escrow } = world.protocol.contracts;
    let last = world.seconds;
    for (const orderId of this.orderIds()) last = max(last, (await answerOf(escrow.refundable(orderId)))?.from ?? 0n);
    await world.chain.increase(last - world.seconds + HOUR);
    let [before, changedAt] = ["", performance.now()];
    return this.within("The end of every order, round and lot", PATIENCE, async () => {
      const open = (await this.open()).join();
      const now = performance.now();
      if (open !== before) [before, changedAt] = [open, now];
      else if (now - changedAt > STANDSTILL) {
        await world.chain.increase(LEAP);
        changedAt = performance.now();
      }
      return open === "";
    });
  }

  /** Returns what is still to be done. */
  private async open(): Promise<string[]> {
    const { world } = this.cast;
    const { protocol, miners } = world;
    const { escrow, pool, vault } = protocol.contracts;
    const open: string[] = [];
    for (const orderId of this.orderIds())
      if ((await answerOf(escrow.refundable(orderId))) !== undefined) open.push(`order ${orderId}`);
    for (const asset of await world.assets()) {
      const [{ round }, current] = [await pool.closedRound(asset), await pool.openRound(asset)];
      const { weight } = await pool.bucket(await pool.bucketId(current, asset));
      if (round !== 0n || weight > 0n) open.push(`round ${round === 0n ? current : round} of ${asset}`);
    }
    if ((await vault.operationsOwed()) > 0n) open.push("operations");
    const fog = new TuringFog(protocol.addresses, protocol.actors.stranger);
    for (const miner of miners) if ((await fog.claimableBuckets(miner)).length > 0) open.push(`rewards of ${miner}`);
    return open;
  }

  /** Returns what honest nodes have worked. */
  private worked() {
    const { world, meters } = this.cast;
    const { escrow } = world.protocol.addresses;
    const entries = world.agents.flatMap(({ store }, i) => readMeters(store, world.nodes[i].nodeId, CHAIN_ID, escrow));
    return [...entries, ...meters.worker.entries((_, workedTU) => workedTU)];
  }

  private async within(what: string, seconds: number, isSo: () => Promise<boolean>): Promise<string[]> {
    const { world } = this.cast;
    const look = async () => (await isSo()) || undefined;
    return world.until(what, look, seconds).then(
      () => [],
      (error: Error) => [error.message],
    );
  }
}
