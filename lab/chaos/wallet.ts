import { setTimeout as sleep } from "node:timers/promises";

import { setBalance } from "@nomicfoundation/hardhat-network-helpers";
import type { Random } from "@turingfog/economy";
import { RootStatus } from "@turingfog/sdk";
import { answerOf, TuringFog, UniswapV3BuybackFiller__factory } from "@turingfog/sdk/ethers";
import { ReceiptTree } from "@turingfog/sdk/wire";
import { JsonRpcProvider, type TransactionReceipt, Wallet } from "ethers";

import { FILLER_POOL } from "./genesis";
import type { Published } from "./published";
import { CHAIN_ID, type World } from "./world";

/** The least and the most milliseconds between two looks. */
const LOOK = { least: 200, most: 3_000 };

/** Milliseconds between two looks for a receipt. */
const POLLING = 200;

/** Returns what was mined; undefined if there was nothing to do. */
type Deed = () => Promise<TransactionReceipt | null | undefined>;

/** Somebody who does by hand what keepers do, at any time, and as wallets do tries each transaction before it is sent. */
export class RacingWallet {
  private readonly key = Wallet.createRandom();
  private readonly provider: JsonRpcProvider;
  private readonly fog: TuringFog;
  private isOver = false;
  private racing = Promise.resolve();

  constructor(
    private readonly world: World,
    private readonly published: Published,
    private readonly orderIds: () => readonly bigint[],
    private readonly random: Random,
  ) {
    const options = { staticNetwork: true, cacheTimeout: -1, pollingInterval: POLLING };
    this.provider = new JsonRpcProvider(world.chain.urlOf("wallet"), CHAIN_ID, options);
    this.fog = new TuringFog(world.protocol.addresses, this.key.connect(this.provider));
  }

  get address(): string {
    return this.key.address;
  }

  async start(): Promise<void> {
    await setBalance(this.address, 10n ** 21n);
    this.racing = (async () => {
      while (!this.isOver && !this.world.isClosed) {
        await sleep(LOOK.least + this.random.below(LOOK.most - LOOK.least));
        await this.look();
      }
    })();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.racing;
    this.provider.destroy();
  }

  /** Does one thing that is due. */
  private async look(): Promise<void> {
    const deeds: Deed[] = [
      () => this.settle(),
      () => this.burn(),
      () => this.fill(),
      () => this.writeOff(),
      () => this.close(),
      () => this.payOperations(),
      () => this.claim(),
    ];
    for (const deed of this.random.shuffle(deeds)) {
      // somebody was first, or has no file to give
      const receipt = await deed().catch(() => null);
      if (receipt !== undefined) return;
    }
  }

  private async settle(): ReturnType<Deed> {
    const { escrow } = this.fog.contracts;
    for (const { receiptsRoot, receipts } of this.published.files.values()) {
      if ((await this.published.status(receiptsRoot)) !== RootStatus.Final) continue;
      const orders = await Promise.all(
        receipts.map(async ({ orderId, nodeId, cumulativeTU }) => {
          const settled = await answerOf(escrow.settledTU(orderId, nodeId));
          const isDue = settled !== undefined && settled < cumulativeTU;
          return isDue ? { orderId, ...(await escrow.order(orderId)) } : undefined;
        }),
      );
      const asset = orders.find((order) => order !== undefined)?.asset;
      if (asset === undefined) continue;
      const ids = new Set(orders.map((order) => (order?.asset === asset ? order.orderId : undefined)));
      const tree = await ReceiptTree.of(receipts);
      const due = [...tree.receipts].filter(({ orderId }) => ids.has(orderId));
      return (await this.fog.settle(asset, tree, due)).at(-1);
    }
    return undefined;
  }

  private async burn(): ReturnType<Deed> {
    const { pool, controller, tft } = this.fog.contracts;
    const { round } = await pool.closedRound(await tft.getAddress());
    return round === 0n ? undefined : (await controller.burn(round)).wait();
  }

  private async fill(): ReturnType<Deed> {
    const asset = await this.world.protocol.contracts.usd.getAddress();
    const lot = await answerOf(this.fog.contracts.controller.lot(asset));
    if (lot === undefined || lot.remaining === 0n) return undefined;
    const filler = UniswapV3BuybackFiller__factory.connect(this.world.genesis.filler, this.fog.runner);
    return (await filler.fill(asset, lot.round, lot.remaining, FILLER_POOL.fee, 1n)).wait();
  }

  private async writeOff(): ReturnType<Deed> {
    const { controller } = this.fog.contracts;
    const asset = await this.world.protocol.contracts.dai.getAddress();
    const lot = await answerOf(controller.lot(asset));
    return lot === undefined ? undefined : (await controller.writeOff(asset, lot.round)).wait();
  }

  private async close(): ReturnType<Deed> {
    const { escrow } = this.fog.contracts;
    for (const orderId of this.random.shuffle(this.orderIds())) {
      const refundable = await answerOf(escrow.refundable(orderId));
      if (refundable === undefined) continue;
      const { endsAt } = await escrow.order(orderId);
      // one that is delivered as a whole could be closed at once, and is left to those who want its result
      if (endsAt <= this.world.seconds && refundable.from <= this.world.seconds)
        return (await escrow.close(orderId)).wait();
    }
    return undefined;
  }

  private async payOperations(): ReturnType<Deed> {
    const { vault } = this.fog.contracts;
    return (await vault.operationsOwed()) === 0n ? undefined : (await vault.payOperations()).wait();
  }

  private async claim(): ReturnType<Deed> {
    for (const miner of this.random.shuffle(this.world.miners)) {
      const ids = (await this.fog.claimableBuckets(miner)).map(({ id }) => id);
      if (ids.length > 0) return (await this.fog.contracts.pool.claimFor(miner, ids)).wait();
    }
    return undefined;
  }
}
