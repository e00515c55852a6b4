import { setTimeout as sleep } from "node:timers/promises";

import { formatUnits, keccak256, type Provider, type TransactionReceipt, type Wallet } from "ethers";

import { max, min, TuringFogError } from "@turingfog/sdk";
import { MAX_TRANSACTION_GAS, NodeError, withRevertDecoded } from "@turingfog/sdk/ethers";
import { type Connection, formatCoins, latestBlock } from "../connection.js";
import { NodeRefusalError, SENDING } from "../node.js";
import { MemoryJournal, type Attempt, type Journal } from "./journal.js";
import { isOutOfGas, OutOfGasError } from "./outOfGas.js";
import { CallRefusedError, type Call, type Sender, type Submitted } from "./sender.js";

/** Thrown when the chain's fee is above the limit. */
export class FeeAboveLimitError extends TuringFogError {
  constructor(
    readonly fee: bigint,
    readonly limit: bigint,
  ) {
    const [asked, most] = [fee, limit].map((each) => formatUnits(each, "gwei"));
    super(
      `The network asks ${asked} gwei for gas, the limit is ${most} gwei: ` +
        "run the same command again later, or with a higher --max-fee",
    );
  }
}

/** Thrown when the account cannot pay for a transaction. */
export class InsufficientBalanceError extends TuringFogError {
  constructor(
    readonly account: string,
    readonly balance: bigint,
    readonly needed: bigint,
    readonly currency: string,
  ) {
    const [has, needs] = [balance, needed].map((each) => formatCoins(each, currency));
    super(`${account} has ${has}, but may need ${needs}: send it the rest`);
  }
}

/** Thrown when a transaction is still not mined after {@link GIVING_UP} times the chain's patience. */
export class StuckError extends TuringFogError {
  constructor(
    readonly account: string,
    readonly nonce: number,
    readonly call: string,
  ) {
    super(
      `Transaction ${nonce} of ${account} is not mined, and "${call}" waits for it: run the same command again; ` +
        "if something else sent it, replace it there",
    );
  }
}

/** Thrown when a transaction waits for one before it, which a reorganisation of the chain has undone. */
export class UndoneError extends TuringFogError {
  constructor(
    readonly account: string,
    readonly undone: number,
    readonly call: string,
  ) {
    super(
      `Transaction ${undone} of ${account} was mined, and is no more, and "${call}" waits for it: run the same command ` +
        "again, which sends first what was undone",
    );
  }
}

/** Thrown when a transaction was mined and is not what it should have done: a call to an account without code succeeds. */
export class WithoutEffectError extends NodeError {
  constructor(
    readonly call: string,
    readonly hash: string,
  ) {
    super(
      (node, url) =>
        `"${call}" was mined as ${hash} without effect: nothing was created; check ${url}, and that ${node.toLowerCase()} ` +
        "is on the right chain",
    );
  }
}

export interface KeySenderOptions {
  /** Highest fee, in wei per unit of gas. */
  maxFeePerGas?: bigint;
  journal?: Journal;
  say?: (line: string) => void;
}

/** Part of its gas limit, in percent, from which a failed transaction has used it up: calls keep a 64th for the caller. */
const USED_UP = 96n;

/** The sender gives up after this many times the chain's patience. */
const GIVING_UP = 20;

/**
 * Number of times that a nonce must be seen as used, but by none of our transactions, before it counts as used by
 * another.
 */
const SIGHTINGS = 3;

/**
 * Milliseconds between the first two looks at the chain. The interval doubles each time, up to half a block, or up to
 * {@link LONGEST_LOOK} where blocks are shorter than nodes like to be asked.
 */
const FIRST_LOOK = 25;
const LONGEST_LOOK = 500;

// Errors of a node that already has a transaction, or another with its nonce. The chain's state shows which.
const KNOWN = /nonce too low|nonce has already been used|underpriced|already known|known transaction/i;

/**
 * Sends calls from a key, one after the other. Sends a call again only with the same nonce, in place of itself, so that
 * it is mined at most once. Uses another nonce only after something else has used that one.
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

  /**
   * Sends calls until each is mined or `isDone` says that it is done.
   * @throws FeeAboveLimitError, InsufficientBalanceError, StuckError, UndoneError, WithoutEffectError, CallRefusedError,
   * OutOfGasError, RevertError
   */
  async submit(calls: readonly Call[], isDone?: (index: number) => Promise<boolean>): Promise<Submitted> {
    const receipts: (TransactionReceipt | undefined)[] = [];
    for (const [i, call] of calls.entries()) {
      const callIsDone = isDone && (() => isDone(i));
      const delivery = new Delivery(this.wallet, this.connection, this.journal, this.options, call, callIsDone);
      receipts.push(await delivery.complete());
    }
    return { kind: "sent", receipts };
  }

  /**
   * Sends a call once in the place of a recorded transaction that waits: at its nonce, with a higher fee. Does not wait for
   * it to be mined.
   * @returns false if the limit does not allow that fee, so that nothing was sent
   * @throws FeeAboveLimitError, InsufficientBalanceError
   */
  async replace(waiting: Attempt, call: Call): Promise<boolean> {
    return new Delivery(this.wallet, this.connection, this.journal, this.options, call).send(waiting.nonce, waiting);
  }
}

/** The delivery of one call. */
class Delivery {
  private readonly earlier: ReadonlySet<string>;
  private readonly patience: number;
  private readonly started = performance.now();
  private lastSent = performance.now();
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
    this.patience = connection.chain.patience * 1_000;
  }

  async complete(): Promise<TransactionReceipt | undefined> {
    const { isDone } = this;
    const slowest = Math.max(this.connection.chain.blockTime * 500, LONGEST_LOOK);
    for (let look = FIRST_LOOK; ; look = Math.min(2 * look, slowest)) {
      const receipt = await this.receipt();
      if (isDone === undefined && receipt !== undefined) return receipt;
      // a block with the receipt may have come in between
      if (isDone !== undefined && (await isDone())) return receipt ?? this.receipt();
      if (receipt !== undefined && this.isTooLate) throw new WithoutEffectError(this.call.description, receipt.hash);

      if (receipt === undefined) {
        try {
          await this.advance();
        } catch (error) {
          // the contract may refuse the call because someone else has done it by now
          if (isDone === undefined || !(await isDone())) throw error;
        }
      }
      await sleep(look);
    }
  }

  /**
   * Returns the attempts at this call. Includes those of earlier runs only if `isDone` can tell whether one of them did
   * it.
   */
  private attempts(): Attempt[] {
    return this.journal.attempts.filter(
      ({ call, from, hash }) =>
        call === this.call.description &&
        from === this.wallet.address &&
        (this.isDone !== undefined || !this.earlier.has(hash)),
    );
  }

  /**
   * Returns the receipt of the attempt that was mined.
   * @throws CallRefusedError, OutOfGasError if that attempt failed, unless an earlier run sent it
   */
  private async receipt(): Promise<TransactionReceipt | undefined> {
    for (const { hash, gasLimit } of this.attempts()) {
      const receipt = await this.connection.provider.getTransactionReceipt(hash);
      if (receipt?.status === 1) return receipt;
      if (receipt?.status === 0 && !this.earlier.has(hash)) throw failure(this.call.description, receipt, gasLimit);
    }
    return undefined;
  }

  private get isTooLate(): boolean {
    return performance.now() - this.started > GIVING_UP * this.patience;
  }

  /** Sends the call, waits, or sends it again, depending on the account's nonces. */
  private async advance(): Promise<void> {
    const [mined, known] = await Promise.all(
      ["latest", "pending"].map((tag) => this.connection.provider.getTransactionCount(this.wallet.address, tag)),
    );
    const attempts = this.attempts();
    const waiting = attempts.filter(({ nonce }) => nonce >= mined).at(-1);
    if (this.isTooLate) {
      throw new StuckError(this.wallet.address, waiting?.nonce ?? mined, this.call.description);
    }

    if (waiting !== undefined) {
      const isOverdue = performance.now() - this.lastSent > this.patience;
      // it was sent after the one before it was mined: at no fee is it mined before that one is again
      if (isOverdue && waiting.nonce > mined) throw new UndoneError(this.wallet.address, mined, this.call.description);
      if (isOverdue || (await this.isLost(waiting))) await this.send(waiting.nonce, waiting);
      return;
    }
    // a node may count a transaction before it has its receipt
    const mayBeMined = attempts.some(({ hash }) => !this.earlier.has(hash)) && ++this.sightings < SIGHTINGS;
    // the waiting transaction is from something else, or from an earlier run that stopped before recording it
    const isBusy = known > mined;
    if (!mayBeMined && !isBusy) await this.send(mined);
  }

  /** Checks whether a recorded transaction of an earlier run is unknown to the node: never sent, or forgotten. */
  private async isLost({ hash }: Attempt): Promise<boolean> {
    return this.earlier.has(hash) && (await this.connection.provider.getTransaction(hash)) === null;
  }

  /** Returns false if the limit does not allow the raise that a replacement needs; nothing is sent then. */
  async send(nonce: number, replaced?: Attempt): Promise<boolean> {
    const { call, wallet } = this;
    this.lastSent = performance.now();
    this.sightings = 0;
    const fees = await this.fees(replaced);
    if (fees === undefined) return false;
    const gasLimit = replaced?.gasLimit ?? (await this.gasLimit());
    const needed = (call.value ?? 0n) + gasLimit * fees.maxFeePerGas;
    const balance = await this.connection.provider.getBalance(wallet.address);
    if (balance < needed) {
      throw new InsufficientBalanceError(wallet.address, balance, needed, this.connection.chain.currency);
    }

    const { to, data, value } = call;
    const chainId = this.connection.chainId;
    const signed = await wallet.signTransaction({ type: 2, chainId, nonce, to, data, value, gasLimit, ...fees });
    const hash = keccak256(signed);
    await this.journal.record({ call: call.description, from: wallet.address, nonce, hash, gasLimit, ...fees });
    const say = (what: string) => this.options.say?.(`${call.description}: ${what} as ${hash}`);
    try {
      const isTaken = await broadcast(this.connection.provider, signed);
      if (isTaken) say(replaced === undefined ? "sent" : "sent again");
      return true;
    } catch (error) {
      // a node that is cut off, or refuses something else, may have taken it
      if (!(error instanceof NodeRefusalError && error.method === SENDING)) say("may be sent");
      throw error;
    }
  }

  /**
   * Returns the gas to send: what the node estimates and a tenth more for what others do in between, but no more than a
   * block has, and not for that tenth more than Osaka's rules allow. Other rules allow more, so that Osaka's bound no
   * estimate.
   * @throws OutOfGasError, RevertError
   */
  private async gasLimit(): Promise<bigint> {
    const { to, data, value, description } = this.call;
    const { provider } = this.connection;
    const { gasLimit: blockGasLimit } = await latestBlock(provider);
    const request = { from: this.wallet.address, to, data, value };
    const estimate = await withRevertDecoded(provider.estimateGas(request)).catch((error: unknown) => {
      throw isOutOfGas(error) ? OutOfGasError.tried(description, blockGasLimit, error) : error;
    });
    const generous = (estimate * 11n) / 10n;
    const most = estimate <= MAX_TRANSACTION_GAS ? min(MAX_TRANSACTION_GAS, blockGasLimit) : blockGasLimit;
    return max(estimate, min(generous, most));
  }

  /**
   * Returns the fees to pay; undefined if the limit does not allow the raise that a replacement needs.
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

/** Sends a signed transaction. Returns false if the node already has it, or another with its nonce. */
export async function broadcast(provider: Provider, signed: string): Promise<boolean> {
  try {
    await provider.broadcastTransaction(signed);
    return true;
  } catch (error) {
    if (!KNOWN.test(String(error))) throw error;
    return false;
  }
}

/** Raises a fee by an eighth, rounded up; nodes accept a replacement that pays a tenth more. */
function raised(fee: bigint): bigint {
  return (fee * 9n + 7n) / 8n;
}

/** Returns the error of a transaction that was mined and failed. */
function failure(call: string, { hash, gasUsed }: TransactionReceipt, gasLimit: bigint): TuringFogError {
  const isUsedUp = gasUsed * 100n >= gasLimit * USED_UP;
  return isUsedUp ? OutOfGasError.mined(call, hash, gasUsed, gasLimit) : new CallRefusedError(call, hash);
}
