import { HOUR, max, WRITE_OFF_PERIODS } from "@turingfog/sdk";
import { answerOf, TuringFog } from "@turingfog/sdk/ethers";

import type { Cast } from "./acts/act";
import type { MeterEntry } from "./books";
import { readMeters } from "./entries";
import { settleAllBut } from "./plant";
import type { Published } from "./published";
import { CHAIN_ID } from "./world";

/** Seconds that all that was begun may take, and that keepers may take for everything. */
const CALM = 180;
const PATIENCE = 120;

/** Milliseconds with nothing to do after which the chain's time leaps, and for how long: until any lot can be written off. */
const STANDSTILL = 3_000;
const LEAP = 11n * HOUR;

/** Something that is still to be done. */
interface Open {
  name: string;
  isDue: boolean;
}

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
        const worked = this.worked();
        // what was acknowledged is settled without a receipt
        const settled = await this.settledTU(worked);
        const submitted = worked.map(({ orderId, nodeId }) => this.published.submittedTU(orderId, nodeId));
        return worked.every(({ owedTU }, i) => max(settled[i], submitted[i]) >= owedTU);
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
    await world.chain.increase(await world.protocol.contracts.oracle.VETO_WINDOW());
    return this.within("A settlement of all that was worked", PATIENCE, async () => {
      const worked = this.worked();
      const settled = await this.settledTU(worked);
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
      const open = await this.open();
      const names = open.map(({ name }) => name).join();
      // a leap ends every keeper's patience at once, so that none is made while one of them has something to do
      if (names !== before || open.some(({ isDue }) => isDue)) [before, changedAt] = [names, performance.now()];
      else if (performance.now() - changedAt > STANDSTILL) {
        await world.chain.increase(LEAP);
        changedAt = performance.now();
      }
      return open.length === 0;
    });
  }

  /** Returns what is still to be done, and whether it can be done now. */
  private async open(): Promise<Open[]> {
    const { protocol, miners, seconds } = this.cast.world;
    const { pool, vault } = protocol.contracts;
    const open = await this.openOrders();
    for (const asset of ["tft", "usd", "dai"] as const) {
      const address = protocol.contracts[asset];
      const current = await pool.openRound(address);
      const [{ round }, { weight }] = await Promise.all([
        pool.closedRound(address),
        pool.bucket(await pool.bucketId(current, address)),
      ]);
      const isDue = round !== 0n && (await this.lotDueAt(asset)) <= seconds;
      if (round !== 0n || weight > 0n) open.push({ name: `round ${round || current} of ${asset}`, isDue });
    }
    if ((await vault.operationsOwed()) > 0n) open.push({ name: "operations", isDue: true });
    const fog = new TuringFog(protocol.addresses, protocol.actors.stranger);
    for (const miner of miners) {
      // keepers look for them once an hour
      const name = `rewards of ${miner}`;
      if ((await fog.claimableBuckets(miner)).length > 0) open.push({ name, isDue: false });
    }
    return open;
  }

  private async openOrders(): Promise<Open[]> {
    const { protocol, seconds } = this.cast.world;
    const { escrow } = protocol.contracts;
    const open: Open[] = [];
    for (const orderId of this.orderIds()) {
      const refundable = await answerOf(escrow.refundable(orderId));
      if (refundable === undefined) continue;
      const { endsAt } = await escrow.order(orderId);
      open.push({ name: `order ${orderId}`, isDue: max(endsAt, refundable.from) <= seconds });
    }
    return open;
  }

  /** Returns when the closed round of an asset can be burned, is cheap enough to be sold, or can be written off. */
  private async lotDueAt(asset: "tft" | "usd" | "dai"): Promise<bigint> {
    const { controller, ...contracts } = this.cast.world.protocol.contracts;
    const lot = asset === "tft" ? undefined : await answerOf(controller.lot(contracts[asset]));
    if (lot === undefined) return 0n;
    return lot.startedAt + (asset === "dai" ? WRITE_OFF_PERIODS : 1n) * (await controller.AUCTION_PERIOD());
  }

  /** Returns what honest nodes have worked. */
  private worked(): MeterEntry[] {
    const { world, meters } = this.cast;
    const { escrow } = world.protocol.addresses;
    const entries = world.agents.flatMap(({ store }, i) => readMeters(store, world.nodes[i].nodeId, CHAIN_ID, escrow));
    return [...entries, ...meters.worker.entries((_, workedTU) => workedTU)];
  }

  private settledTU(worked: readonly MeterEntry[]): Promise<bigint[]> {
    const { escrow } = this.cast.world.protocol.contracts;
    return Promise.all(worked.map(({ orderId, nodeId }) => escrow.settledTU(orderId, nodeId)));
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
