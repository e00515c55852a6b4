import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { time } from "@nomicfoundation/hardhat-network-helpers";
import { paymentRefOf } from "@turingfog/network";
import { ceilDiv, max, min, priceAt, tftOwed } from "@turingfog/sdk";
import { type OrderRequest, readSignerSet, type SignerSet, signMessage } from "@turingfog/sdk/ethers";
import {
  encodeReceiptFile,
  type OracleMessages,
  type OracleMessageType,
  type Receipt,
  receiptDataHash,
  ReceiptTree,
  type Signature,
} from "@turingfog/sdk/wire";
import { id, MaxUint256, ZeroAddress, ZeroHash } from "ethers";

import { POOL_FEE, type Token } from "../../test/helpers/uniswap";
import { Auditor } from "./auditor";
import { Books } from "./books";
import type { Random } from "@turingfog/economy";
import type { World } from "./world";

/** A filler asks for a thousandth of what it sells. */
const PROFIT_DIVISOR = 1_000n;

const UNLIMITED = 2n ** 128n - 1n;

/** Terms of a rent; see `OpenParams` of the escrow. */
export interface Rental {
  payer: HardhatEthersSigner;
  token: Token;
  /** 0 for a joint order. */
  nodeId: bigint;
  tuAmount: bigint;
  /** Base units per whole TU: the price of a joint order, and the most to pay on a node. */
  unitPrice: bigint;
  duration: bigint;
  /** The payer unless given. */
  renter?: HardhatEthersSigner;
  refundTo?: HardhatEthersSigner;
  /** Stripe's checkout session that a card paid for. */
  checkout?: string;
  /** Pay by ERC-2612 permit instead of an approval. */
  withPermit?: boolean;
}

/** A node of which nothing has changed since it was registered: it pays its owner, and has the rate that it had. */
export interface AttestedNode {
  nodeId: bigint;
  owner: HardhatEthersSigner;
  /** TU per day, 18 decimals. */
  rate: bigint;
}

/** Receipts whose root a quorum has signed and the keeper has submitted. */
export interface Batch {
  tree: ReceiptTree;
  submittedAt: bigint;
}

/** An order that was closed, and what went back for it. */
export interface Closed {
  orderId: bigint;
  token: Token;
  refund: bigint;
}

/** The acts of the people of the demo. Every act is sent to the chain, entered in the books, and audited. */
export class Economy {
  /** Since genesis: orders opened, and TFT claimed by miners. */
  ordersOpened = 0;
  claimed = 0n;

  private constructor(
    readonly world: World,
    readonly books: Books,
    readonly auditor: Auditor,
    private readonly random: Random,
    private readonly addresses: { tft: string; usd: string },
    private readonly signerSet: SignerSet,
    private readonly maxAttestation: bigint,
  ) {}

  static async start(world: World, random: Random): Promise<Economy> {
    const { params, usd, contracts } = world;
    const [tftAddress, usdAddress] = await Promise.all([contracts.tft.getAddress(), usd.getAddress()]);
    const { epochLength, auctionPeriod, operations, assets } = params;
    const books = new Books({ epochLength, auctionPeriod, operationsShare: operations.share }, tftAddress);
    for (const { address, referencePrice } of assets) books.list(address, await usd.decimals(), referencePrice);

    for (const payer of [world.actors.alice, world.actors.bob, world.actors.gateway]) {
      await contracts.tft.connect(payer).approve(contracts.escrow, MaxUint256);
      await usd.connect(payer).approve(contracts.escrow, MaxUint256);
    }
    // Bob signs permits instead
    await usd.connect(world.actors.bob).approve(contracts.escrow, 0);

    const auditor = await Auditor.start(world, books);
    const addresses = { tft: tftAddress, usd: usdAddress };
    const [signerSet, maxAttestation] = await Promise.all([
      readSignerSet(contracts.oracle),
      contracts.registry.MAX_ATTESTATION(),
    ]);
    return new Economy(world, books, auditor, random, addresses, signerSet, maxAttestation);
  }

  /** Lets time pass until `at`, unless it has. */
  async until(at: bigint): Promise<void> {
    if (at > BigInt(await time.latest())) await time.increaseTo(at);
  }

  /* NODES */

  async registerNode(miner: HardhatEthersSigner, gpuModel: string, gpuCount: bigint): Promise<bigint> {
    const registry = this.world.contracts.registry.connect(miner);
    const args = [id(gpuModel), gpuCount, miner.address, `ipfs://${gpuModel}`] as const;
    const nodeId = await registry.registerNode.staticCall(...args);
    await registry.registerNode(...args);
    return nodeId;
  }

  /** Lets the quorum attest nodes for as long as it may. */
  async attest(nodes: readonly AttestedNode[]): Promise<void> {
    const registry = this.world.contracts.registry.connect(this.world.actors.keeper);
    const validUntil = BigInt(await time.latest()) + this.maxAttestation;
    for (const { nodeId, owner, rate } of nodes) {
      const evidence = id(`benchmark log of node ${nodeId}`);
      const signatures = await this.signed("NodeAttestation", { nodeId, validUntil, evidence });
      await registry.attestNode(nodeId, validUntil, evidence, signatures);
      const at = BigInt(await time.latest());
      this.books.attested(nodeId, owner.address, rate, at, at + this.world.params.vetoWindow, validUntil);
    }
  }

  /** Offers a node's compute, without a limit. */
  async offer(miner: HardhatEthersSigner, nodeId: bigint, token: Token, unitPrice: bigint): Promise<void> {
    await this.world.contracts.registry.connect(miner).setListing(nodeId, token, unitPrice, UNLIMITED);
  }

  /* ORDERS */

  async rent(rental: Rental): Promise<bigint> {
    const { payer, nodeId, tuAmount, unitPrice, duration, renter = payer, refundTo, checkout } = rental;
    const asset = await rental.token.getAddress();
    const order: OrderRequest = {
      ...{ nodeId, asset, tuAmount, maxUnitPrice: unitPrice, duration },
      renter: renter.address,
      refundTo: refundTo?.address ?? ZeroAddress,
      jobHash: id(`job ${this.ordersOpened}`),
      paymentRef: checkout === undefined ? ZeroHash : paymentRefOf(checkout),
    };
    const fog = this.world.fog.connect(payer);
    const { orderId } = await (rental.withPermit === true ? fog.openOrderWithPermit(order) : fog.openOrder(order));

    const startedAt = BigInt(await time.latest());
    this.books.opened({ orderId, nodeId, asset, unitPrice, tuAmount, startedAt, endsAt: startedAt + duration });
    ++this.ordersOpened;
    await this.auditor.audit();
    return orderId;
  }

  /** Ends an order early, as its holder. */
  async stop(holder: HardhatEthersSigner, orderId: bigint): Promise<void> {
    await this.world.contracts.escrow.connect(holder).stop(orderId);
    this.books.stopped(orderId, BigInt(await time.latest()));
    await this.auditor.audit();
  }

  /** Closes every order whose time has come, and refunds what was not earned. */
  async closeOrders(): Promise<Closed[]> {
    const { escrow, tft } = this.world.contracts;
    const read = escrow.connect(this.world.reader);
    const now = BigInt(await time.latest());
    const orders = await Promise.all(
      [...this.books.orders.values()].map(async ({ orderId, asset }) => {
        const [[, from], { refundTo }, holder] = await Promise.all([
          read.refundable(orderId),
          read.order(orderId),
          read.ownerOf(orderId),
        ]);
        return { orderId, asset, from, payee: refundTo === ZeroAddress ? holder : refundTo };
      }),
    );
    const closed: Closed[] = [];
    for (const { orderId, asset, payee } of orders.filter(({ from }) => from <= now)) {
      const token = asset === this.addresses.tft ? tft : this.world.usd;
      const before = await token.balanceOf(payee);
      await escrow.connect(this.world.actors.keeper).close(orderId);
      const refund = (await token.balanceOf(payee)) - before;
      this.books.closed(orderId, refund);
      closed.push({ orderId, token, refund });
      await this.auditor.audit();
    }
    return closed;
  }

  /* RECEIPTS */

  /** Publishes receipts, has the quorum sign their root, and submits it. */
  async report(receipts: readonly Receipt[]): Promise<Batch> {
    const tree = await ReceiptTree.of(receipts);
    const metered = receipts.map((receipt) => ({ ...receipt, meterLogHash: id(`meter log of ${receipt.nodeId}`) }));
    const dataHash = await receiptDataHash(encodeReceiptFile(metered));
    const signatures = await this.signed("ReceiptBatch", { receiptsRoot: tree.root, dataHash });
    await this.world.contracts.oracle.connect(this.world.actors.keeper).submit(tree.root, dataHash, signatures);
    return { tree, submittedAt: BigInt(await time.latest()) };
  }

  /**
   * Settles receipts of a batch, all unless given, in an order that should not matter: some at first, shuffled, then
   * all of them, the first ones again.
   */
  async settle(
    { tree, submittedAt }: Batch,
    caller: HardhatEthersSigner,
    receipts: readonly Receipt[] = [...tree.receipts],
  ): Promise<void> {
    for (const asset of [this.addresses.tft, this.addresses.usd]) {
      const own = receipts.filter(({ orderId }) => this.books.orders.get(orderId)?.asset === asset);
      if (own.length === 0) continue;
      const shuffled = this.random.shuffle(own);
      for (const part of [shuffled.slice(0, Math.ceil(own.length / 2)), shuffled]) {
        await this.world.fog.connect(caller).settle(asset, tree, part);
      }
      this.books.settled(asset, own, submittedAt, BigInt(await time.latest()));
      await this.auditor.audit();
    }
  }

  /** Four sign, less one who is away; three are enough. The contracts check what they sign. */
  private async signed<T extends OracleMessageType>(
    type: T,
    content: Omit<OracleMessages[T], "signerSetVersion">,
  ): Promise<Signature[]> {
    const { domain, version } = this.signerSet;
    const message = { ...content, signerSetVersion: version } as OracleMessages[T];
    const { oracleSigners } = this.world.actors;
    const away = this.random.below(oracleSigners.length);
    const present = oracleSigners.filter((_, i) => i !== away);
    return Promise.all(present.map((signer) => signMessage(signer, domain, type, message)));
  }

  /* BUYBACK */

  /** Destroys the closed TFT round, and the next one if it closes by that. */
  async burnRounds(): Promise<void> {
    const { controller } = this.world.contracts;
    for (let lot = await this.lot(this.addresses.tft); lot !== undefined; lot = await this.lot(this.addresses.tft)) {
      await controller.connect(this.world.actors.keeper).burn(lot.bucket.round);
      this.books.burned(BigInt(await time.latest()));
      await this.auditor.audit();
    }
  }

  /**
   * Sells the lot of dollars, and the next one if it closes by that, each in two halves, with TFT bought on the market:
   * as soon as that leaves a profit, if it does before `deadline`.
   */
  async fillLots(deadline: bigint): Promise<void> {
    const { usd, filler, actors } = this.world;
    for (let lot = await this.lot(this.addresses.usd); lot !== undefined; lot = await this.lot(this.addresses.usd)) {
      const { round, weight, sold } = lot.bucket;
      const amount = min(ceilDiv(weight, 2n), weight - sold);
      const at = await this.profitableFrom(amount, lot.closedAt);
      if (at > deadline) return;

      await time.setNextBlockTimestamp(max(at, BigInt(await time.latest()) + 1n));
      await filler.connect(actors.keeper).fill(usd, round, amount, POOL_FEE, 1n);
      this.books.bidFor(this.addresses.usd, amount, BigInt(await time.latest()));
      await this.auditor.audit();
    }
  }

  /** From when on the market gives enough TFT for a part of the lot, and a profit. */
  private async profitableFrom(amount: bigint, startedAt: bigint): Promise<bigint> {
    const { usd, market, params } = this.world;
    const referencePrice = this.books.referencePrice(this.addresses.usd);
    const obtainable = await market.quote(amount - amount / PROFIT_DIVISOR);
    const wholeUnit = 10n ** (await usd.decimals());
    const owed = (elapsed: bigint) =>
      tftOwed(amount, priceAt(referencePrice, elapsed, params.auctionPeriod), wholeUnit);

    // the price only falls
    let [low, high] = [0n, 16n * params.auctionPeriod];
    while (low < high) {
      const middle = (low + high) / 2n;
      if (owed(middle) <= obtainable) high = middle;
      else low = middle + 1n;
    }
    return startedAt + low;
  }

  /** The closed round of an asset, to be destroyed or sold. */
  private async lot(asset: string) {
    return this.books.closedRound(asset, BigInt(await time.latest()));
  }

  /* REWARDS AND THE MARKET */

  /** Every miner claims all that is final. */
  async claimRewards(): Promise<void> {
    const { contracts, reader, actors } = this.world;
    const read = contracts.tft.connect(reader);
    const claims = actors.miners
      .map((miner) => ({ miner, ids: this.books.claimable(miner.address) }))
      .filter(({ ids }) => ids.length !== 0);
    const balances = () => Promise.all(claims.map(({ miner: { address } }) => read.balanceOf(address)));
    const before = await balances();
    for (const { miner, ids } of claims) await contracts.pool.connect(miner).claim(ids, miner);
    for (const [i, balance] of (await balances()).entries()) {
      const { miner, ids } = claims[i];
      const paid = balance - before[i];
      this.books.claimed(miner.address, ids, paid);
      this.claimed += paid;
    }
    await this.auditor.audit();
  }

  /** Operations are paid what was kept for them. */
  async payOperations(): Promise<void> {
    await this.world.contracts.vault.payOperations();
    this.books.operationsPaid();
    await this.auditor.audit();
  }

  /** TFT for dollars that have just come in from outside; resolves to how much. */
  async buyTFT(trader: HardhatEthersSigner, dollars: bigint): Promise<bigint> {
    const { tft } = this.world.contracts;
    const before = await tft.balanceOf(trader);
    await this.receiveDollars(trader, dollars);
    await this.world.market.buyTFT(trader, dollars);
    return (await tft.balanceOf(trader)) - before;
  }

  /** Sells a percentage of what each trader has, and of that no more than `limit`. */
  async sellTFT(traders: readonly HardhatEthersSigner[], percent: bigint, limit = MaxUint256): Promise<void> {
    const tft = this.world.contracts.tft.connect(this.world.reader);
    const balances = await Promise.all(traders.map(({ address }) => tft.balanceOf(address)));
    for (const [i, balance] of balances.entries()) {
      const amount = min((balance * percent) / 100n, limit);
      if (amount !== 0n) await this.world.market.sellTFT(traders[i], amount);
    }
  }

  /** Dollars that someone has earned elsewhere. */
  async receiveDollars(account: HardhatEthersSigner, dollars: bigint): Promise<void> {
    await this.world.usd.mint(account, dollars);
  }

  /** Pays out what has vested by `at`. */
  async releaseVested(at: bigint): Promise<void> {
    const { vestings, contracts } = this.world;
    for (const [i, vesting] of vestings.entries()) {
      // to the second, so that a run is repeatable to the unit
      await time.setNextBlockTimestamp(at + BigInt(i));
      await vesting["release(address)"](contracts.tft);
    }
  }
}
