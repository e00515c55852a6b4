import { randomBytes } from "node:crypto";

import { latestBlock } from "@turingfog/operator";
import { depositOf, HOUR, TuringFogError } from "@turingfog/sdk";
import { connectContracts, IERC20Metadata__factory, type Addresses, type SystemContracts } from "@turingfog/sdk/ethers";
import type { NodeDocument, Signed } from "@turingfog/sdk/wire";
import { formatUnits, parseUnits, type Provider } from "ethers";

import { type HttpClient, RefusedError } from "../http/index.js";
import { NoDocumentError, NotOfferedError, priceOn, readNodeDocument, runnerFor } from "../order/index.js";
import { SlotRefusedError } from "../runner/index.js";
import { fromBlob, toBlob, toBytes } from "../store/index.js";
import type { GatewayConfig } from "./config.js";
import { currencyOf, formatMoney, priceOf, readMoney, readRate } from "./money.js";
import type { Sessions } from "./sessions.js";
import type { SessionRow } from "./tables.js";

/** A job as a customer asks for it. */
export interface JobAsked {
  runner: string;
  slots: Record<string, string>;
  /** 0 if time is metered. */
  imagesPerTU: string;
  /** Nodes that get it: the order's own, or those that are to work on a joint order. */
  nodes: string[];
}

/** What a customer asks for. */
export interface Asked {
  /** 0 for a joint order. */
  nodeId: bigint;
  /** 18 decimals. */
  tuAmount: bigint;
  hours: bigint;
  currency: string;
  job: JobAsked;
}

/** A node that gets a job: what its document says. */
export interface Reached {
  nodeId: string;
  endpoint: string;
  recipient: string;
  kind: string;
}

export interface QuotingOptions {
  config: GatewayConfig;
  book: Addresses;
  connect: () => Promise<Provider>;
  client: HttpClient;
  sessions: Sessions;
  /** Address of the payer. */
  payer: string;
  /** Unix seconds. */
  now: () => bigint;
}

/** Thrown when nothing can be sold at present for which nobody who asks is to blame. */
export class NotForSaleError extends TuringFogError {}

/** Seconds for which a node's document is taken for known. */
const KNOWN = 60n;

/** The most documents that are kept. */
const MOST_KNOWN = 1_000;

/** Says what an order costs on a card. */
export class Quoting {
  private readonly documents = new Map<bigint, { at: bigint; document: Signed<NodeDocument> }>();
  private decimals?: number;

  constructor(private readonly options: QuotingOptions) {}

  /**
   * Makes a quote, which can be accepted for a time.
   * @throws RefusedError
   */
  async quote(asked: Asked): Promise<SessionRow> {
    const { config, payer, sessions, now } = this.options;
    const { nodeId, tuAmount, hours, currency: code, job } = asked;
    if (!Object.hasOwn(config.currencies, code)) {
      const known = Object.keys(config.currencies).join(", ");
      throw new RefusedError(422, "other-currency", `The currency is ${code}, must be one of ${known}`);
    }
    const most = BigInt(config.mostHours);
    if (hours < 1n || hours > most) {
      throw new RefusedError(422, "bad-hours", `The order is for ${hours} hours, must be for 1 to ${most}`);
    }
    const terms = config.currencies[code];
    const currency = currencyOf(code);
    const { unitPrice, assetDecimals } = await this.check(asked);
    const deposit = depositOf(tuAmount, unitPrice);
    const margin = BigInt(Math.round(terms.marginPercent * 100));
    const price = priceOf({ deposit, assetDecimals, rate: readRate(terms.rate), margin, currency });
    const [least, highest] = [terms.least, terms.most].map((each) => readMoney(each, currency) ?? 0n);
    if (price < least || price > highest) {
      const [shown, from, to] = [price, least, highest].map((each) => formatMoney(each, code));
      throw new RefusedError(422, "bad-amount", `The order costs ${shown}, must cost ${from} to ${to}`);
    }
    await this.checkFunds(deposit);
    const at = now();
    const row: SessionRow = {
      id: randomBytes(24).toString("base64url"),
      ...{ state: "quoted", created_at: at, changed_at: at, currency: code, price, margin, rate: terms.rate },
      ...{
        refund_fee: readMoney(terms.refundFee, currency) ?? 0n,
        node_id: toBlob(nodeId),
        asset: toBytes(config.asset),
        payer: toBytes(payer),
      },
      ...{
        tu_amount: toBlob(tuAmount),
        unit_price: toBlob(unitPrice),
        deposit: toBlob(deposit),
        duration: hours * HOUR,
      },
      ...{ job: JSON.stringify(job), quote_expires_at: at + BigInt(config.quoteSeconds), checkout_expires_at: null },
      ...{
        session: null,
        url: null,
        payment_intent: null,
        paid_at: null,
        paid_currency: null,
        approved_at: null,
        reached: null,
      },
      ...{ order_id: null, paid_deposit: null, handed_at: null, acknowledged_tu: null, delivered_at: null },
      ...{ paid_back: null, due: null, refunded: null, refusals: 0n, reason: "", dispute: null, disputed: null },
    };
    await sessions.create(row);
    return row;
  }

  /**
   * Returns what the order of a session would cost now, in base units of the asset per whole TU.
   * @throws NotOfferedError if its node does not take it any more
   */
  async unitPriceOf(row: SessionRow): Promise<bigint> {
    const nodeId = fromBlob(row.node_id);
    if (nodeId === 0n) return fromBlob(row.unit_price);
    const { contracts, now } = await this.chain();
    const { asset } = this.options.config;
    return priceOn(contracts.registry, {
      nodeId,
      asset,
      tuAmount: fromBlob(row.tu_amount),
      duration: row.duration,
      now,
    });
  }

  /**
   * Checks that the payer has an order's deposit, beside those of all orders that were paid for and are to be opened. What is
   * not paid yet reserves nothing: anybody can open checkouts, and leave them.
   * @throws RefusedError
   */
  async checkFunds(deposit: bigint): Promise<void> {
    const { config, payer, sessions } = this.options;
    const { provider } = await this.chain();
    const decimals = await this.assetDecimals();
    const limit = parseUnits(config.dailySpending, decimals);
    if (deposit > limit) {
      const shown = formatUnits(limit, decimals);
      throw new RefusedError(422, "above-limit", `The order is above what this gateway spends in a day, ${shown}`);
    }
    const owed = await sessions.in("paid", "approved");
    const promised = owed.reduce((sum, row) => sum + fromBlob(row.deposit), 0n);
    const balance = await IERC20Metadata__factory.connect(config.asset, provider).balanceOf(payer);
    if (promised + deposit <= balance) return;
    throw new RefusedError(503, "out-of-funds", "The gateway has too little to pay for this order: try again later");
  }

  /** Returns where the nodes of a session's job are. @throws NoDocumentError, NotOfferedError, SlotRefusedError */
  async reach(row: SessionRow): Promise<Reached[]> {
    const job = JSON.parse(row.job) as JobAsked;
    return this.reachAll(job);
  }

  /** Returns the decimals of the asset. */
  async assetDecimals(): Promise<number> {
    const { provider } = await this.chain();
    this.decimals ??= Number(await IERC20Metadata__factory.connect(this.options.config.asset, provider).decimals());
    return this.decimals;
  }

  private async check({ nodeId, tuAmount, hours, job }: Asked): Promise<{ unitPrice: bigint; assetDecimals: number }> {
    const { jointUnitPrice, asset } = this.options.config;
    try {
      const { contracts, now } = await this.chain();
      const assetDecimals = await this.assetDecimals();
      await this.reachAll(job);
      const order = { asset, tuAmount, duration: hours * HOUR, now };
      if (nodeId !== 0n) return { unitPrice: await priceOn(contracts.registry, { nodeId, ...order }), assetDecimals };
      if (jointUnitPrice === undefined) throw new NotForSaleError("This gateway sells no joint orders");
      for (const each of job.nodes) {
        if (await contracts.registry.isAttested(BigInt(each), now)) continue;
        throw new NotOfferedError(BigInt(each), "is not attested now, and cannot work on a joint order");
      }
      return { unitPrice: jointUnitPrice, assetDecimals };
    } catch (error) {
      const isOwn = [NotOfferedError, NoDocumentError, SlotRefusedError, NotForSaleError].some(
        (each) => error instanceof each,
      );
      throw isOwn ? new RefusedError(422, "not-offered", (error as Error).message) : error;
    }
  }

  private async reachAll({ runner, slots, nodes }: JobAsked): Promise<Reached[]> {
    const reached: Reached[] = [];
    for (const nodeId of nodes) {
      const document = await this.documentOf(BigInt(nodeId));
      const { kind } = runnerFor(document, { runner, slots });
      reached.push({ nodeId, endpoint: document.endpoint, recipient: document.encryptionKey, kind });
    }
    return reached;
  }

  private async documentOf(nodeId: bigint): Promise<Signed<NodeDocument>> {
    const { book, client, config, now } = this.options;
    const known = this.documents.get(nodeId);
    if (known !== undefined && now() - known.at < KNOWN) return known.document;
    const { contracts, provider, now: time } = await this.chain();
    const document = await readNodeDocument(nodeId, {
      ...{ contracts, provider, chainId: BigInt(book.chainId), since: book.firstBlock ?? 0 },
      ...{ client, allowPrivate: config.allowPrivate, now: time },
    });
    this.documents.delete(nodeId);
    this.documents.set(nodeId, { at: now(), document });
    const [oldest] = this.documents.keys();
    if (this.documents.size > MOST_KNOWN) this.documents.delete(oldest);
    return document;
  }

  private async chain(): Promise<{ contracts: SystemContracts; provider: Provider; now: bigint }> {
    const provider = await this.options.connect();
    const contracts = connectContracts(this.options.book.addresses, provider);
    return { contracts, provider, now: BigInt((await latestBlock(provider)).timestamp) };
  }
}
