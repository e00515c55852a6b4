import { setTimeout as sleep } from "node:timers/promises";

import { RootStatus } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { decodeReceiptFile, type MeteredReceipt, ReceiptTree, ROOTS } from "@turingfog/sdk/wire";

import type { World } from "./world";

/** Milliseconds between two looks at what is final. */
const LOOK = 3_000;

/** Brings to the chain what signers have published, and pays out what was earned. Holds no role of the network's. */
export class Keeper {
  /** Receipts of the roots that were submitted, by the file's hash. */
  readonly submitted = new Map<string, MeteredReceipt[]>();
  private readonly settled = new Set<string>();
  private readonly fog: TuringFog;
  private isOver = false;
  private running = Promise.resolve();

  /** @param isLeftOut says which order is never settled, to plant a loss */
  constructor(
    private readonly world: World,
    private readonly isLeftOut: (orderId: bigint) => boolean,
  ) {
    const { addresses, actors } = world.protocol;
    this.fog = new TuringFog(addresses, actors.stranger);
  }

  start(): void {
    this.running = (async () => {
      while (!this.isOver && !this.world.isClosed) {
        await this.settle().catch(() => undefined); // signers are killed, and a root may be undone
        await sleep(LOOK);
      }
    })();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  /** Settles what is final and was not settled, and reads what was submitted. */
  async settle(): Promise<void> {
    const { oracle, tft } = this.world.protocol.contracts;
    const { roots } = ROOTS.decode(await this.world.ask("/v1/roots?after=0"));
    for (const { receiptsRoot, dataHash } of roots.filter((each) => !this.settled.has(each.dataHash))) {
      const [status] = await oracle.status(receiptsRoot);
      if (Number(status) === Number(RootStatus.Unknown)) continue;
      const receipts = decodeReceiptFile(await this.world.ask(`/v1/receipts/${dataHash}`));
      this.submitted.set(dataHash, receipts);
      if (Number(status) !== Number(RootStatus.Final)) continue;
      const tree = await ReceiptTree.of(receipts);
      const some = [...tree.receipts].filter(({ orderId }) => !this.isLeftOut(orderId));
      const address = await tft.getAddress();
      if (some.length > 0) await this.world.chain.alone(() => this.fog.settle(address, tree, some));
      this.settled.add(dataHash);
    }
  }

  /** Returns the TU of an order and node in the highest receipt that was submitted. */
  submittedTU(orderId: bigint, nodeId: bigint): bigint {
    const receipts = [...this.submitted.values()].flat();
    const own = receipts.filter((each) => each.orderId === orderId && each.nodeId === nodeId);
    return own.reduce((most, { cumulativeTU }) => (cumulativeTU > most ? cumulativeTU : most), 0n);
  }

  /** Closes orders that have ended, turns what was earned into rewards, and has each miner paid. */
  async payOut(orderIds: readonly bigint[]): Promise<bigint> {
    const { chain, protocol } = this.world;
    const { escrow, pool, controller, tft } = protocol.contracts;
    let last = 0n;
    for (const orderId of orderIds) {
      const { from } = await escrow.refundable(orderId);
      if (from > last) last = from;
    }
    if (last > this.world.seconds) await chain.increase(last - this.world.seconds);
    const miners = new Set<string>();
    return chain.alone(async () => {
      for (const orderId of orderIds) await escrow.close(orderId);
      const asset = await tft.getAddress();
      for (;;) {
        const { round } = await pool.closedRound(asset);
        if (round === 0n) break;
        await controller.burn(round);
      }
      for (const { args } of await escrow.queryFilter(escrow.filters.ReceiptSettled())) miners.add(args.payout);
      for (const { args } of await escrow.queryFilter(escrow.filters.AcknowledgementSettled())) miners.add(args.payout);
      let claimed = 0n;
      for (const miner of miners) {
        const buckets = await this.fog.claimableBuckets(miner);
        if (buckets.length === 0) continue;
        const before = await tft.balanceOf(miner);
        await pool.claimFor(
          miner,
          buckets.map(({ id }) => id),
        );
        claimed += (await tft.balanceOf(miner)) - before;
      }
      return claimed;
    });
  }
}
