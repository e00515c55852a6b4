import type { Call, Connection } from "@turingfog/operator";
import { DAY } from "@turingfog/sdk";
import { type Addresses, connectContracts, IERC20Metadata__factory, TuringFog } from "@turingfog/sdk/ethers";
import { formatUnits, parseUnits, type Provider, type Wallet } from "ethers";
import type { Logger } from "pino";

import type { ChainFacts } from "../chain/index.js";
import { NotOfferedError } from "../order/index.js";
import { step } from "../runtime/index.js";
import { KeyBusyError, type TransactionSubmitter } from "../sending/index.js";
import { fromBlob, fromBytes, toBlob } from "../store/index.js";
import type { Cards } from "./cards.js";
import type { GatewayConfig } from "./config.js";
import type { Jobs } from "./jobs.js";
import type { Paying } from "./paying.js";
import type { Quoting } from "./quoting.js";
import { FormerPayerError, isFormer, isOfOtherAsset, payerOf, paymentRefOf, type Sessions } from "./sessions.js";
import type { SessionRow } from "./tables.js";

/** Before and after each transaction. */
export const SEND_STEPS = ["gateway.send.before-send", "gateway.send.done"] as const;

/** Why no order is opened for a payer whose key is not there any more. */
const REPLACED = "the gateway's payer was replaced before the order was opened";

/** What the sending of a gateway's transactions needs. */
export interface Sight {
  connection: Connection;
  /** Unix seconds of the latest block. */
  time: bigint;
}

export interface OpeningOptions {
  config: GatewayConfig;
  book: Addresses;
  facts: ChainFacts;
  cards: Pick<Cards, "refundsOf">;
  paying: Pick<Paying, "noteDisputes">;
  key: Wallet;
  submitter: TransactionSubmitter;
  sessions: Sessions;
  quoting: Quoting;
  jobs: Jobs;
  log: Logger;
  /** Unix seconds. */
  now: () => bigint;
}

/** Opens one order for each payment, or has the payment refunded whole: never both. */
export class Opening {
  constructor(private readonly options: OpeningOptions) {}

  /**
   * Decides that an order is opened: within the day's limit, after the delay, and not for a disputed payment. One that the
   * chain has already, which a store of before does not know of, is followed whatever speaks against it.
   * @returns why it waits; empty if it does not
   */
  async approve(row: SessionRow, connect: () => Promise<Connection>): Promise<string> {
    const { config, sessions, now } = this.options;
    const approve = () => sessions.change("approval", row, { state: "approved", approved_at: now() });
    const refuse = async (reason: string) => {
      await ((await this.isKnown(row, connect)) ? approve() : this.refuse(row, reason));
      return "";
    };
    if (row.dispute === "open") return "disputed";
    if (row.dispute !== null) return refuse(`the payment was disputed, and the dispute is ${row.dispute}`);
    const waited = now() - (row.paid_at ?? now());
    if (waited > BigInt(config.openWithin)) return refuse("the order could not be opened in time");
    if (waited < BigInt(config.openDelay)) return "";
    // decided on at the next look
    if (await this.isNewlyDisputed(row)) return "disputed";
    const why = (await this.cancellation(row)) ?? (await this.obstacle(row));
    if (why !== undefined) return refuse(why);
    const limit = await this.limitFor(row);
    if (limit !== "") return limit;
    await approve();
    return "";
  }

  /**
   * Opens the order of an approved payment: sends it, sees it in a final block, or sees in one that it can never be.
   * @returns whether only its allowance was changed, which the order of another payment would use up or undo
   * @throws what keeps the transaction from being sent or mined
   */
  async open(row: SessionRow, { connection }: Sight): Promise<boolean> {
    const { book, facts, key, sessions, submitter, log } = this.options;
    const paymentRef = paymentRefOf(row.session as string);
    const payer = payerOf(row, key.address);
    const known = facts.orderPaidBy(payer, paymentRef);
    if (known !== undefined) {
      const { orderId, deposit } = known;
      const values = { state: "opened", order_id: toBlob(orderId), paid_deposit: toBlob(deposit) } as const;
      await sessions.change("order", row, values);
      log.info({ session: row.session, orderId: String(orderId) }, "order opened");
      return false;
    }
    const { escrow } = connectContracts(book.addresses, connection.provider);
    const isOpen = () => escrow.isPaymentRefUsed(payer, paymentRef);
    // it is counted on once the block is final
    if (await isOpen()) return false;
    const why = await this.change(row);
    if (why !== undefined) {
      await this.giveUp(row, paymentRef, why, connection);
      return false;
    }
    if (await this.isNewlyDisputed(row)) return false;
    const [call, isDone] = await this.nextCall(row, paymentRef, connection, isOpen);
    step("gateway.send.before-send");
    await submitter.submit(call, connection, isDone);
    step("gateway.send.done");
    return isDone !== isOpen;
  }

  /** Returns the descriptions of the transactions that open a session's order, allow its deposit, and end an allowance. */
  static describe(row: SessionRow): [open: string, approve: string, reset: string] {
    const paymentRef = paymentRefOf(row.session as string);
    return [
      `Open the order of payment ${paymentRef}`,
      `Approve the deposit of payment ${paymentRef}`,
      `End the allowance before payment ${paymentRef}`,
    ];
  }

  /** Whether the order of a payment is on the chain. */
  private async isKnown(row: SessionRow, connect: () => Promise<Connection>): Promise<boolean> {
    const { book, facts, key } = this.options;
    const paymentRef = paymentRefOf(row.session as string);
    const payer = payerOf(row, key.address);
    if (facts.orderPaidBy(payer, paymentRef) !== undefined) return true;
    const { provider } = await connect();
    return connectContracts(book.addresses, provider).escrow.isPaymentRefUsed(payer, paymentRef);
  }

  /** Returns why an order that was approved is not to be had any more; undefined if it is. */
  private async change(row: SessionRow): Promise<string | undefined> {
    const { config, key, now } = this.options;
    if (isFormer(row, key.address)) return REPLACED;
    if (row.dispute !== null) return "the payment was disputed";
    if (now() - (row.paid_at ?? 0n) > BigInt(config.openWithin)) return "the order could not be opened in time";
    return (await this.cancellation(row)) ?? (await this.obstacle(row));
  }

  /** Whether a payment was disputed, or a dispute decided, since its session was read. */
  private async isNewlyDisputed({ id, dispute, payment_intent: paymentIntent }: SessionRow): Promise<boolean> {
    const { paying, sessions } = this.options;
    if (paymentIntent !== null) await paying.noteDisputes(paymentIntent);
    return (await sessions.byId(id))?.dispute !== dispute;
  }

  /** Says that somebody has refunded a part of a payment in Stripe's dashboard, or has tried to, and so wants no order of it. */
  private async cancellation({ payment_intent: paymentIntent }: SessionRow): Promise<string | undefined> {
    if (paymentIntent === null) return "the payment was refunded before";
    const { given, failed } = await this.options.cards.refundsOf(paymentIntent);
    return given === 0n && failed === 0 ? undefined : "the payment was refunded before";
  }

  /** Returns why the order cannot be had at the quoted price; undefined if it can. */
  private async obstacle(row: SessionRow): Promise<string | undefined> {
    const { asset } = this.options.config;
    const quotedIn = fromBytes(row.asset);
    if (isOfOtherAsset(row, asset)) return `the gateway pays in ${asset.toLowerCase()}, the quote was in ${quotedIn}`;
    const quoted = fromBlob(row.unit_price);
    try {
      const price = await this.options.quoting.unitPriceOf(row);
      return price > quoted ? `the price rose above the quote: ${price} for 1 TU, quoted ${quoted}` : undefined;
    } catch (error) {
      if (error instanceof NotOfferedError) return error.message;
      throw error;
    }
  }

  /** Has a payment refunded whole for which nothing was ever signed. */
  private async refuse(row: SessionRow, reason: string): Promise<void> {
    await this.options.sessions.change("rest", row, { state: "owed", due: row.price, reason });
    this.options.log.info({ session: row.session, reason }, "no order: refunded in full");
  }

  /**
   * Has a payment refunded whole once no transaction that opens its order can be mined any more: the nonce of each was
   * used by another one in a final block, at which the order is not open. Replaces one that waits by an empty one.
   */
  private async giveUp(row: SessionRow, paymentRef: string, why: string, connection: Connection): Promise<void> {
    const { book, facts, key, submitter } = this.options;
    const { provider } = connection;
    const signed = submitter.attemptsAt(Opening.describe(row)[0]);
    if (signed.length === 0) return this.refuse(row, why);
    const final = { blockTag: facts.block().number };
    const { escrow } = connectContracts(book.addresses, provider);
    const payer = payerOf(row, key.address);
    const [used, isOpen, mined] = await Promise.all([
      provider.getTransactionCount(payer, final.blockTag),
      escrow.isPaymentRefUsed(payer, paymentRef, final),
      provider.getTransactionCount(payer, "latest"),
    ]);
    if (!isOpen && signed.every(({ nonce }) => nonce < used)) return this.refuse(row, why);
    const nonces = new Set(signed.map(({ nonce }) => nonce).filter((nonce) => nonce >= mined));
    for (const nonce of nonces) {
      if (isFormer(row, key.address))
        throw new FormerPayerError(payer, `Transaction ${nonce} waits, and must be cancelled`);
      if (await submitter.cancel(nonce, connection)) continue;
      const [waiting] = signed.filter((each) => each.nonce === nonce);
      throw new KeyBusyError(waiting, "can be cancelled only above maxFeeGwei: raise it");
    }
  }

  /** @returns why the order waits for another day; empty if it does not */
  private async limitFor(row: SessionRow): Promise<string> {
    const { config, sessions, now, quoting } = this.options;
    const decimals = await quoting.assetDecimals();
    const limit = parseUnits(config.dailySpending, decimals);
    const recent = await sessions.approvedSince(now() - DAY);
    const spent = recent.reduce((sum, each) => sum + fromBlob(each.deposit), 0n);
    if (spent + fromBlob(row.deposit) <= limit) return "";
    const [needs, went, most] = [fromBlob(row.deposit), spent, limit].map((each) => formatUnits(each, decimals));
    return `an order needs ${needs}, ${went} of the daily limit of ${most} went in the last 24 hours: raise dailySpending, or wait`;
  }

  /** Returns the next transaction on the way to an order, and what tells whether it is done. */
  private async nextCall(
    row: SessionRow,
    paymentRef: string,
    { provider }: Connection,
    isOpen: () => Promise<boolean>,
  ): Promise<[Call, () => Promise<boolean>]> {
    const { book, config, key, jobs } = this.options;
    const wallet = key.connect(provider);
    const fog = new TuringFog(book.addresses, wallet);
    const { jobHash } = await jobs.recordOf(row);
    const request = {
      nodeId: fromBlob(row.node_id),
      asset: config.asset,
      tuAmount: fromBlob(row.tu_amount),
      maxUnitPrice: fromBlob(row.unit_price),
      duration: row.duration,
      renter: key.address,
      refundTo: key.address,
      jobHash,
      paymentRef,
    };
    const [description, approve, reset] = Opening.describe(row);
    if (config.allowance === "permit") {
      const { to, data } = await fog.permittedOpeningCall(request);
      return [{ description, to, data }, isOpen];
    }
    const { amount } = fog.depositFrom(request, key.address);
    const { escrow } = book.addresses;
    const token = IERC20Metadata__factory.connect(config.asset, wallet);
    const allowance = () => token.allowance(key.address, escrow);
    const isAllowed = async () => (await allowance()) >= amount;
    const isSettled = async () => (await allowance()) === 0n || isAllowed();
    const allow = async (what: string, value: bigint): Promise<Call> => ({
      description: await this.unused(what, provider),
      to: config.asset,
      data: token.interface.encodeFunctionData("approve", [escrow, value]),
    });
    // some tokens, such as USDT, take an allowance only where there is none
    if (!(await isSettled())) return [await allow(reset, 0n), isSettled];
    if (!(await isAllowed())) return [await allow(approve, amount), isAllowed];
    const { to, data } = await fog.openingCall(request);
    return [{ description, to, data }, isOpen];
  }

  /**
   * Returns a description that no mined transaction has: one whose effect is gone is sent again as another. What one payment
   * was allowed may have gone into the order of another.
   */
  private async unused(what: string, provider: Provider): Promise<string> {
    let description = what;
    for (let i = 2; await this.options.submitter.isMined(provider, description); ++i) description = `${what}, ${i}`;
    return description;
  }
}
