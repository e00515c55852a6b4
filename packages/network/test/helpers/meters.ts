import type { NodeFacts, OrderFacts } from "@turingfog/network";
import {
  meterDomain,
  MessageHasher,
  nodeDomain,
  READING,
  type Reading,
  type SeenDocument,
  type Signed,
} from "@turingfog/sdk/wire";
import { hexlify, id, Wallet, ZeroHash } from "ethers";
import { ecdsaSign } from "secp256k1";

export const ESCROW = `0x${"e5".repeat(20)}`;
export const REGISTRY = `0x${"4e".repeat(20)}`;
export const METER_DOMAIN = meterDomain(31_337n, ESCROW);
export const NODE_DOMAIN = nodeDomain(31_337n, REGISTRY);

/** When the orders of a world started, in unix seconds. */
export const START = 1_800_000_000n;

/** A node with an order of its own, and the readings that it signs. */
export class Meter {
  private sequence = 0n;
  private previous = ZeroHash;

  private constructor(
    readonly nodeId: bigint,
    readonly orderId: bigint,
    private readonly hasher: MessageHasher<Reading>,
    readonly wallet: Wallet,
  ) {}

  /** @param number from 1; makes the ids and the key */
  static async of(number: number, hasher?: MessageHasher<Reading>): Promise<Meter> {
    const wallet = new Wallet(id(`meter ${number}`));
    const used = hasher ?? (await MessageHasher.of(READING, METER_DOMAIN));
    return new Meter(BigInt(number), (1n << 40n) | BigInt(number), used, wallet);
  }

  get key(): string {
    return this.wallet.address.toLowerCase();
  }

  /** Returns the next reading of the chain, one minute after the one before, with what is different in it. */
  next(change: Partial<Reading> = {}): Signed<Reading> {
    const reading = this.sign({
      orderId: this.orderId,
      nodeId: this.nodeId,
      sequence: this.sequence + 1n,
      cumulativeTU: (this.sequence + 1n) * 10n ** 12n,
      measuredAt: START + (this.sequence + 1n) * 60n,
      evidence: id(`evidence ${this.nodeId} ${this.sequence}`),
      previous: this.previous,
      ...change,
    });
    this.sequence = reading.sequence;
    this.previous = hexlify(this.hasher.digest(reading));
    return reading;
  }

  many(count: number): Signed<Reading>[] {
    return Array.from({ length: count }, () => this.next());
  }

  /** Signs whatever it is given. */
  sign(reading: Reading): Signed<Reading> {
    const { signature, recid } = ecdsaSign(
      this.hasher.digest(reading),
      Buffer.from(this.wallet.privateKey.slice(2), "hex"),
    );
    return { ...reading, signature: `${hexlify(signature)}${recid === 0 ? "1b" : "1c"}` };
  }

  /** The order as the chain has it. */
  order(change: Partial<OrderFacts> = {}): OrderFacts {
    return {
      orderId: this.orderId,
      nodeId: this.nodeId,
      asset: ESCROW,
      tuAmount: 10n ** 24n,
      unitPrice: 1n,
      startedAt: START,
      endsAt: START + 366n * 86_400n,
      closed: false,
      jobHash: ZeroHash,
      refundTo: ESCROW,
      payer: ESCROW,
      paymentRef: ZeroHash,
      holder: ESCROW,
      openedAtBlock: 1n,
      acknowledgedTU: 0n,
      deposit: 0n,
      earned: 0n,
      settledTU: () => 0n,
      ...change,
    };
  }

  node(): NodeFacts {
    const attestations = [{ from: 0n, until: 2n ** 40n - 1n }];
    return {
      nodeId: this.nodeId,
      owner: ESCROW,
      ownedSince: 0n,
      gpuModel: id("GTX 1080 Ti"),
      ratePerDay: 10n ** 18n,
      metadataURI: "data:,",
      attestations,
    };
  }

  /** The document that names the meter's key, as if it had been seen before the order. */
  document(change: Partial<SeenDocument> = {}): SeenDocument {
    return {
      nodeId: this.nodeId,
      sequence: 1n,
      expiresAt: 2n ** 40n - 1n,
      endpoint: "http://127.0.0.1:1",
      meterKey: this.key,
      encryptionKey: `age1${"q".repeat(58)}`,
      runners: [{ kind: "process", name: "a", slots: {} }],
      signature: "0x00",
      firstSeen: 0n,
      ...change,
    };
  }
}

/** What a signer knows of some meters' nodes and orders, in memory. */
export class World {
  readonly orders = new Map<bigint, OrderFacts>();
  readonly nodes = new Map<bigint, NodeFacts>();
  readonly documents = new Map<bigint, SeenDocument[]>();
  /** Nodes whose documents were asked for. */
  readonly wanted: bigint[] = [];
  readonly isKnown = true;

  constructor(meters: readonly Meter[]) {
    for (const meter of meters) {
      this.orders.set(meter.orderId, meter.order());
      this.nodes.set(meter.nodeId, meter.node());
      this.documents.set(meter.nodeId, [meter.document()]);
    }
  }

  order(orderId: bigint): OrderFacts | undefined {
    return this.orders.get(orderId);
  }

  node(nodeId: bigint): NodeFacts | undefined {
    return this.nodes.get(nodeId);
  }

  attestedAt(nodeId: bigint, time: bigint): boolean {
    return this.node(nodeId)?.attestations.some(({ from, until }) => from <= time && time <= until) ?? false;
  }

  openOrdersOf(nodeId: bigint): OrderFacts[] {
    return [...this.orders.values()].filter((order) => !order.closed && [nodeId, 0n].includes(order.nodeId));
  }

  nodesAtWork(): bigint[] {
    return [...this.nodes.keys()];
  }

  keysAt(nodeId: bigint): string[] {
    return (this.documents.get(nodeId) ?? []).map(({ meterKey }) => meterKey);
  }

  want(nodeId: bigint): void {
    this.wanted.push(nodeId);
  }

  of(nodeId: bigint): SeenDocument[] {
    return this.documents.get(nodeId) ?? [];
  }

  shown(nodeId: bigint): SeenDocument[] {
    return this.of(nodeId);
  }
}
