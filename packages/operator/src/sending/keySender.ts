import { setTimeout as sleep } from "node:timers/promises";

import { formatEther, formatUnits, keccak256, type Provider, type TransactionReceipt, type Wallet } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { withRevertDecoded } from "@turingfog/sdk/ethers";
import type { Connection } from "../connection.js";
import { MemoryJournal, type Attempt, type Journal } from "./journal.js";
import { CallRefusedError, type Call, type Sender, type Submitted } from "./sender.js";

/** What the chain asks is more than is to be paid. */
export class FeeAboveLimitError extends TuringFogError {
  constructor(
    readonly fee: bigint,
    readonly limit: bigint,
  ) {
    const [asked, most] = [fee, limit].map((each) => formatUnits(each, "gwei"));
    super(
      `The network asks ${asked} gwei for gas, the limit is ${most}: ` +
        "run the same command again later, or with a higher --max-fee",
    );
  }
}

/** The account cannot pay for what is to be sent. */
export class InsufficientBalanceError extends TuringFogError {
  constructor(
    readonly account: string,
    readonly balance: bigint,
    readonly needed: bigint,
  ) {
    super(`${account} has ${formatEther(balance)}, may need ${formatEther(needed)}: send it the rest`);
  }
}

/** A transaction that is not mined, however long it has been waited for. */
export class StuckError extends TuringFogError {
  constructor(
    readonly account: string,
    readonly nonce: number,
    readonly call: string,
  ) {
    super(
      `Transaction ${nonce} of ${account} is not mined, and "${call}" waits for it: run the same command again; ` +
        "where it was sent by something else, replace it there",
    );
  }
}

export interface KeySenderOptions {
  /** The most to pay, in wei per unit of gas. */
  maxFeePerGas?: bigint;
  journal?: Journal;
  say?: (line: string) => void;
}

/** EIP-7825: no transaction may take more. */
export const TRANSACTION_GAS_LIMIT = 16_777_216n;

/** Blocks after which a transaction that waits is replaced by one that pays more, and after which it is given up. */
const PATIENCE = 5;
const GIVING_UP = 100;

/** How many times a nonce must be seen as used, and by nothing of ours, before it is another's. */
const SIGHTINGS = 3;

/** Milliseconds between two looks at the chain, at first; then twice as long each time, up to half a block. */
const FIRST_LOOK = 25;

// what a node says of a transaction that it has, or whose nonce it has; what stands then tells the rest
const KNOWN = /nonce too low|nonce has already been used|underpriced|already known|known transaction/i;

/**
 * Sends from a key, one call after the other. A call is sent anew only in place of itself, with the same nonce, so that
 * it is mined once at most; with another nonce only after something else has used up that one.
 */
export class KeySender implements Sender {
  private readonly journal: Journal;

  constructor(
    private readonly wallet: Wallet,
    private readonly connection: Connection,
    private readonly options: KeySenderOptions = {},
  ) {
    this.journal = options.journal ?? new MemoryJournal();
  }

  get address(): string {
    return this.wallet.address;
  }

  /** @throws FeeAboveLimitError, InsufficientBalanceError, StuckError, CallRefusedError, RevertError */
  async submit(calls: readonly Call[], isDone?: (index: number) => Promise<boolean>): Promise<Submitted> {
    const receipts: (TransactionReceipt | undefined)[] = [];
    for (const [i, call] of calls.entries()) {
      const callIsDone = isDone && (() => isDone(i));
      const delivery = new Delivery(this.wallet, this.connection, this.journal, this.options, call, callIsDone);
      receipts.push(await delivery.complete());
    }
    return { kind: "sent", receipts };
  }
}

/** One call on its way. */
class Delivery {
  private readonly earlier: ReadonlySet<string>;
  private readonly patience: number;
  private readonly started = Date.now();
  private lastSent = Date.now();
  private sightings = 0;

  constructor(
    private readonly wallet: Wallet,
    private readonly connection: Connection,
    private readonly journal: Journal,
    private readonly options: KeySenderOptions,
    private readonly call: Call,
    private readonly isDone?: () => Promise<boolean>,
  ) {
    this.earlier = new Set(journal.attempts.map(({ hash }) => hash));
    this.patience = PATIENCE * connection.chain.blockTime * 1_000;
  }

  async complete(): Promise<TransactionReceipt | undefined> {
    const { isDone } = this;
    const slowest = this.connection.chain.blockTime * 500;
    for (let look = FIRST_LOOK; ; look = Math.min(2 * look, slowest)) {
      const receipt = await this.receipt();
      if (isDone === undefined && receipt !== undefined) return receipt;
      // a block may have come in between
      if (isDone !== undefined && (await isDone())) return receipt ?? this.receipt();

      if (receipt === undefined) {
        try {
          await this.advance();
        } catch (error) {
          // it may be refused just because someone else has done it by now
          if (isDone === undefined || !(await isDone())) throw error;
        }
      }
      await sleep(look);
    }
  }

  /** To do this call; those of before only where it can be told that one of them has done it. */
  private attempts(): Attempt[] {
    return this.journal.attempts.filter(
      ({ call, from, hash }) =>
        call === this.call.description &&
        from === this.wallet.address &&
        (this.isDone !== undefined || !this.earlier.has(hash)),
    );
  }

  /** Of the attempt that was mined. @throws CallRefusedError when it failed, unless it was sent in an earlier run. */
  private async receipt(): Promise<TransactionReceipt | undefined> {
    for (const { hash } of this.attempts()) {
      const receipt = await this.connection.provider.getTransactionReceipt(hash);
      if (receipt?.status === 1) return receipt;
      if (receipt?.status === 0 && !this.earlier.has(hash)) throw new CallRefusedError(this.call.description, hash);
    }
    return undefined;
  }

  /** Sends, waits or sends anew, by what has become of the nonces. */
  private async advance(): Promise<void> {
    const [mined, known] = await Promise.all(
      ["latest", "pending"].map((tag) => this.connection.provider.getTransactionCount(this.wallet.address, tag)),
    );
    const attempts = this.attempts();
    const waiting = attempts.filter(({ nonce }) => nonce >= mined).at(-1);
    if (Date.now() - this.started > GIVING_UP * this.connection.chain.blockTime * 1_000) {
      throw new StuckError(this.wallet.address, waiting?.nonce ?? mined, this.call.description);
    }

    if (waiting !== undefined) {
      const isOverdue = Date.now() - this.lastSent > this.patience;
      if (isOverdue || (await this.isLost(waiting))) await this.send(waiting.nonce, waiting);
      return;
    }
    // a node may count a transaction before it has its receipt
    const mayBeMined = attempts.some(({ hash }) => !this.earlier.has(hash)) && ++this.sightings < SIGHTINGS;
    // what waits is sent by something else, or by an earlier run that did not come to write it down
    const isBusy = known > mined;
    if (!mayBeMined && !isBusy) await this.send(mined);
  }

  /** Whether an earlier run did not come to send it, or the node has forgotten it. */
  private async isLost({ hash }: Attempt): Promise<boolean> {
    return this.earlier.has(hash) && (await this.connection.provider.getTransaction(hash)) === null;
  }

  private async send(nonce: number, replaced?: Attempt): Promise<void> {
    const { call, wallet } = this;
    this.lastSent = Date.now();
    this.sightings = 0;
    const fees = await this.fees(replaced);
    if (fees === undefined) return;
    const gasLimit = replaced?.gasLimit ?? (await this.gasLimit());
    const needed = (call.value ?? 0n) + gasLimit * fees.maxFeePerGas;
    const balance = await this.connection.provider.getBalance(wallet.address);
    if (balance < needed) throw new InsufficientBalanceError(wallet.address, balance, needed);

    const { to, data, value } = call;
    const chainId = this.connection.chainId;
    const signed = await wallet.signTransaction({ type: 2, chainId, nonce, to, data, value, gasLimit, ...fees });
    const hash = keccak256(signed);
    await this.journal.record({ call: call.description, from: wallet.address, nonce, hash, gasLimit, ...fees });
    this.options.say?.(`${call.description}: ${replaced === undefined ? "sent" : "sent anew"} as ${hash}`);
    await broadcast(this.connection.provider, signed);
  }

  private async gasLimit(): Promise<bigint> {
    const { to, data, value } = this.call;
    const request = { from: this.wallet.address, to, data, value };
    const estimate = await withRevertDecoded(this.connection.provider.estimateGas(request));
    // a tenth for what others do before, as far as a transaction may go
    const generous = (estimate * 11n) / 10n;
    return generous < TRANSACTION_GAS_LIMIT ? generous : max(estimate, TRANSACTION_GAS_LIMIT);
  }

  /**
   * What to pay; undefined when that cannot be raised as a replacement must.
   * @throws FeeAboveLimitError
   */
  private async fees(replaced?: Attempt): Promise<Pick<Attempt, "maxFeePerGas" | "maxPriorityFeePerGas"> | undefined> {
    const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = await this.connection.provider.getFeeData();
    const limit = this.options.maxFeePerGas;
    const asked = gasPrice ?? 0n;
    if (limit !== undefined && asked > limit) throw new FeeAboveLimitError(asked, limit);

    const least = raised(replaced?.maxFeePerGas ?? 0n);
    if (limit !== undefined && least > limit) return undefined;
    const fee = max(maxFeePerGas ?? asked, least);
    const most = limit !== undefined && fee > limit ? limit : fee;
    const tip = max(maxPriorityFeePerGas ?? 0n, raised(replaced?.maxPriorityFeePerGas ?? 0n));
    return { maxFeePerGas: most, maxPriorityFeePerGas: tip < most ? tip : most };
  }
}

/** Sends a signed transaction, which the node may have already, or one in its place. */
export async function broadcast(provider: Provider, signed: string): Promise<void> {
  try {
    await provider.broadcastTransaction(signed);
  } catch (error) {
    if (!KNOWN.test(String(error))) throw error;
  }
}

/** An eighth more: nodes take a replacement that pays a tenth more. */
function raised(fee: bigint): bigint {
  return (fee * 9n + 7n) / 8n;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
