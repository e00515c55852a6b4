import { setTimeout as sleep } from "node:timers/promises";

import { formatDuration, TuringFogError } from "@turingfog/sdk";

/** Milliseconds between two requests, for Etherscan's free tier of 3 a second: https://docs.etherscan.io/rate-limits. */
const INTERVAL = 350;

/** Milliseconds after which an explorer is asked again that has no answer yet. */
const POLLING_INTERVAL = 5_000;

/** Milliseconds after which an explorer is asked no more about one contract. */
const PATIENCE = 300_000;

/** Tells the time and lets it pass, in milliseconds. */
export interface Clock {
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
}

const SYSTEM_CLOCK: Clock = { now: Date.now, sleep };

/** Sources of a contract, as an explorer takes them. */
export interface SourceSubmission {
  address: string;
  /** Standard JSON input of the compiler. */
  source: string;
  /** As `contracts/TFT.sol:TFT`. */
  fullyQualifiedName: string;
  /** As `v0.8.37+commit.` and eight hex digits. */
  compilerVersion: string;
  /** Hexadecimal, without 0x. */
  constructorArguments: string;
}

/** Answer of an explorer; `status` is "1" for what succeeded. */
interface Answer {
  status?: string | null;
  message?: string | null;
  result?: unknown;
}

/** Thrown when an explorer has no answer for too long. */
export class ExplorerTimeoutError extends TuringFogError {
  /** @param words the explorer's last ones */
  constructor(
    readonly milliseconds: number,
    readonly words: string,
  ) {
    super(
      `the explorer has no answer after ${formatDuration(BigInt(milliseconds / 1_000))}, and says "${words}": ` +
        "run the same command again later, which asks only about what is not verified",
    );
  }
}

/** Words of Etherscan and of Blockscout for sources that the explorer has now or had before. */
const VERIFIED = /^pass - verified|already verified/i;

/** Their words that they are asked too often, but for that of a whole day, or that a server is busy. */
const BUSY = /(?<!daily )rate limit|too many|status (429|502|503|504)/i;

/** Their words for a contract that is not indexed yet, and for sources that are not compiled yet. */
const NOT_INDEXED = /unable to locate contractcode/i;
const PENDING = /pending|unknown uid/i;

/** Client of an explorer with Etherscan's API, https://docs.etherscan.io/api-reference. */
export class Etherscan {
  /** Time from which the next request may be sent. */
  private nextRequest = 0;

  /**
   * @param apiUrl address of the API
   * @param browserUrl where people look at contracts
   * @param chainId for an API of several chains
   */
  constructor(
    readonly apiKey: string,
    readonly apiUrl: string,
    readonly browserUrl: string,
    readonly chainId?: number,
    private readonly clock: Clock = SYSTEM_CLOCK,
  ) {}

  /** Returns the page of a contract's sources. */
  getContractUrl(address: string): string {
    return `${this.browserUrl}/address/${address}#code`;
  }

  /**
   * Returns whether the explorer has the sources of a contract.
   * @throws ExplorerTimeoutError
   */
  async isVerified(address: string): Promise<boolean> {
    const question = () => this.ask({ action: "getsourcecode", address });
    const { message, result } = await this.insist(question, (answer) => BUSY.test(wordsOf(answer)));
    const [contract] = message === "OK" && Array.isArray(result) ? (result as { SourceCode?: string }[]) : [];
    return Boolean(contract?.SourceCode);
  }

  /**
   * Submits sources, and resolves once the explorer has compiled them: to undefined if it has verified them, now or
   * before, otherwise to its words. Waits while it does not know the contract yet, has not compiled it or is busy.
   * @throws ExplorerTimeoutError
   */
  async verify(submission: SourceSubmission): Promise<string | undefined> {
    const deadline = this.clock.now() + PATIENCE;
    const submit = () =>
      this.ask(
        {},
        {
          action: "verifysourcecode",
          codeformat: "solidity-standard-json-input",
          contractaddress: submission.address,
          sourceCode: submission.source,
          contractname: submission.fullyQualifiedName,
          compilerversion: submission.compilerVersion,
          constructorArguements: submission.constructorArguments, // so spelt by Etherscan
        },
      );
    const attempt = async () => {
      const submitted = await this.insist(submit, isOpen, deadline);
      if (submitted.status !== "1") return submitted;
      const guid = String(submitted.result);
      return this.insist(() => this.ask({ action: "checkverifystatus", guid }), isOpen, deadline);
    };
    const words = wordsOf(await this.insist(attempt, (answer) => NOT_INDEXED.test(wordsOf(answer)), deadline));
    return VERIFIED.test(words) ? undefined : words;
  }

  /**
   * Asks until there is an answer.
   * @param isOpen whether what an explorer sends is no answer yet
   * @throws ExplorerTimeoutError
   */
  private async insist(
    question: () => Promise<Answer>,
    isOpen: (answer: Answer) => boolean,
    deadline = this.clock.now() + PATIENCE,
  ): Promise<Answer> {
    for (;;) {
      const answer = await question();
      if (!isOpen(answer)) return answer;
      if (this.clock.now() + POLLING_INTERVAL > deadline) throw new ExplorerTimeoutError(PATIENCE, wordsOf(answer));
      await this.clock.sleep(POLLING_INTERVAL);
    }
  }

  /** Asks by GET, or by POST if there is a form. Sends no faster than an explorer takes it. */
  private async ask(query: Record<string, string>, form?: Record<string, string>): Promise<Answer> {
    const access = { module: "contract", apikey: this.apiKey };
    const url = new URL(this.apiUrl);
    if (this.chainId !== undefined) url.searchParams.set("chainid", String(this.chainId));
    const asked = form === undefined ? { ...access, ...query } : query;
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);

    await this.clock.sleep(Math.max(0, this.nextRequest - this.clock.now()));
    this.nextRequest = this.clock.now() + INTERVAL;
    const body = form && new URLSearchParams({ ...access, ...form });
    const response = await fetch(url, { method: body === undefined ? "GET" : "POST", body }).catch((error: Error) => {
      throw new Error(`${url.origin} cannot be reached: ${describe(error)}`);
    });
    if (!response.ok) {
      const message = `${url.origin} answered with status ${response.status}`;
      if (BUSY.test(message)) return { message };
      throw new Error(message);
    }
    const text = await response.text();
    try {
      return (JSON.parse(text) ?? {}) as Answer;
    } catch {
      throw new Error(`${url.origin} did not answer with JSON: is it the address of an explorer's API?`);
    }
  }
}

/** Returns what an explorer says: the result, or the message if there is none, as Blockscout has it. */
function wordsOf({ message, result }: Answer): string {
  return typeof result === "string" ? result : (message ?? "nothing");
}

/** Returns whether an explorer has said nothing on a submission yet. No result is no answer, unless it had the sources. */
function isOpen(answer: Answer): boolean {
  const words = wordsOf(answer);
  if (VERIFIED.test(words)) return false;
  return typeof answer.result !== "string" || BUSY.test(words) || PENDING.test(words);
}

/** Describes why `fetch` failed, which it says in the cause alone. */
function describe(error: Error): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? error.message;
}
