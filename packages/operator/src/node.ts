import { setTimeout as sleep } from "node:timers/promises";

import { FeeData, isHexString, JsonRpcProvider, type JsonRpcError, type JsonRpcPayload } from "ethers";

import { max, TuringFogError } from "@turingfog/sdk";
import { isEndOfCallIn, NodeError } from "@turingfog/sdk/ethers";
import { hide, hideAccess, isHostKey } from "@turingfog/sdk/node";
import { IN_PROCESS, rpcVariable } from "./rpc.js";

/** Returns an error with the name of the chain's node in its message, if it blames the node. */
export function withNodeNamed<E>(error: E, chain: string): E {
  return error instanceof NodeError && chain !== IN_PROCESS ? error.of(chain, rpcVariable(chain)) : error;
}

/** Thrown when a node gives no answer, or one that is not JSON-RPC. */
export class UnreachableError extends TuringFogError {
  constructor(node: Node, method: string, reason: string) {
    super(
      `The node of ${node.chain} (${node.name}) does not answer ${method} (${reason}): ` +
        `check that it runs and that ${rpcVariable(node.chain)} is right, then run the same command again`,
    );
  }
}

/** The method by which a node takes a transaction. */
export const SENDING = "eth_sendRawTransaction";

/** Thrown when a node answers that it does not do what it was asked for. */
export class NodeRefusalError extends TuringFogError {
  constructor(
    node: Node,
    readonly method: string,
    /** The node's own words. */
    readonly error: JsonRpcError["error"],
  ) {
    const variable = rpcVariable(node.chain);
    const next =
      method === SENDING
        ? `, so that the transaction is not sent: check what it names and ${variable}, then run the same command again`
        : `: check ${variable}, or use a node that answers it`;
    super(`The node of ${node.chain} (${node.name}) refuses ${method} with "${error.message}" (${error.code})${next}`);
  }
}

/** Statuses by which a server asks to be asked again later. */
const LATER = [429, 503];

/** Milliseconds until a server that asked for it is asked again; doubles each time. */
const FIRST_PAUSE = 250;

/** Questions in a row that use up a node's time without an answer, after which it is given up. */
const SILENCES = 2;

const LOST = "connection lost";

const REASONS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: LOST,
  UND_ERR_SOCKET: LOST,
  ENOTFOUND: "no such host",
  EAI_AGAIN: "its host cannot be looked up now",
};

/** Codes of an answer that is not compressed as it says, by gzip or by brotli. */
const UNPACKING = /^(Z_|ERR__ERROR_)/;

/** Returns the reason of a failure to fetch. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string } };
  const code = cause?.code ?? "";
  if (UNPACKING.test(code)) return "what it sends cannot be decompressed";
  return REASONS[code] ?? (code || message);
}

/** A node of a chain, asked over HTTP. Each of its failures becomes an error that says what was asked and what to do. */
export class Node {
  /** Address without what may be a key, for people. */
  readonly name: string;
  private readonly address: string;
  private readonly headers: Record<string, string> = { "content-type": "application/json" };
  private silences = 0;
  private givenUp?: Error;

  /**
   * @param chain name of the chain, as in CHAINS
   * @param timeout milliseconds that it has for each question
   */
  constructor(
    readonly chain: string,
    url: URL,
    private readonly timeout: number,
  ) {
    this.name = publicName(url);
    hideAccess(url.href, "RPC key");
    if (!isBare(url)) hide(url.href, "RPC URL");
    const address = new URL(url);
    if (url.username !== "" || url.password !== "") {
      const credentials = [url.username, url.password].map(decoded).join(":");
      this.headers.authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
      address.username = address.password = "";
    }
    this.address = address.href;
  }

  /**
   * Asks the node. It has its time for each question, and is given up if it uses that up twice in a row without
   * an answer.
   * @returns the result; the error, if it says how a call of a contract ended
   * @throws UnreachableError, NodeRefusalError
   */
  async ask(question: JsonRpcPayload): Promise<{ result: unknown } | JsonRpcError> {
    if (this.givenUp !== undefined) throw this.givenUp;
    const started = Date.now();
    try {
      const answer = await this.answerTo(question);
      this.silences = 0;
      return answer;
    } catch (error) {
      this.silences = Date.now() - started < this.timeout / 2 ? 0 : this.silences + 1;
      if (this.silences >= SILENCES) this.givenUp = error as Error;
      throw error;
    }
  }

  private async answerTo(question: JsonRpcPayload): Promise<{ result: unknown } | JsonRpcError> {
    const { id, method, params } = question;
    const { status, body } = await this.post(method, JSON.stringify(question));
    const answer = parse(body);
    if (answer?.error !== undefined && answer.error !== null) {
      const error = errorOf(answer.error, status);
      const { message, data } = error;
      const isCall = method === "eth_call" || method === "eth_estimateGas";
      if (isCall && (isHexString(data) || isEndOfCallIn(message))) return { id, error };
      throw new NodeRefusalError(this, method, error);
    }
    if (status !== 200) throw new UnreachableError(this, method, `HTTP ${status}`);
    if (answer?.id !== id || !isResult(method, Array.isArray(params) ? params : [], answer.result)) {
      throw new UnreachableError(this, method, "what it sends is no answer to that");
    }
    return { result: answer.result };
  }

  /** Sends a question, and sends it again while the server asks for patience and there is time. */
  private async post(method: string, body: string): Promise<{ status: number; body: string }> {
    const started = Date.now();
    const signal = AbortSignal.timeout(this.timeout);
    for (let pause = FIRST_PAUSE; ; pause *= 2) {
      const response = await this.fetch(method, body, signal);
      const isLate = Date.now() - started + pause >= this.timeout;
      if (!LATER.includes(response.status) || isLate) return response;
      await sleep(pause);
    }
  }

  /** @param isSecond whether the connection was lost once: a server may close one that it kept just as it is used again */
  private async fetch(
    method: string,
    body: string,
    signal: AbortSignal,
    isSecond = false,
  ): Promise<{ status: number; body: string }> {
    try {
      // another address must not be sent the key of this one
      const init = { method: "POST", headers: this.headers, body, redirect: "manual", signal } as const;
      const response = await fetch(this.address, init);
      return { status: response.status, body: await response.text() };
    } catch (error) {
      if (signal.aborted) throw new UnreachableError(this, method, `silent for ${this.timeout / 1_000} s`);
      const reason = reasonOf(error);
      if (reason === LOST && !isSecond) return this.fetch(method, body, signal, true);
      throw new UnreachableError(this, method, reason);
    }
  }
}

/** A provider of a node's chain. The chain is known and does not change; nothing is cached, because a sender polls. */
export class NodeProvider extends JsonRpcProvider {
  private questions = 0;

  constructor(
    private readonly node: Node,
    chainId: bigint,
  ) {
    // the address is never used: every request goes through `send`
    super(undefined, chainId, { staticNetwork: true, cacheTimeout: -1 });
  }

  override async send(method: string, params: unknown[]): Promise<unknown> {
    const question = { jsonrpc: "2.0" as const, id: ++this.questions, method, params };
    const answer = await this.node.ask(question);
    if ("error" in answer) throw this.getRpcError(question, answer);
    return answer.result;
  }

  /**
   * Returns the fees that the node suggests. A price that it does not give is not taken for none, and one below the base
   * fee of its latest block, at which no block would take a transaction, for that base fee.
   */
  override async getFeeData(): Promise<FeeData> {
    const suggested = BigInt((await this.send("eth_gasPrice", [])) as string);
    const baseFee = (await this.getBlock("latest"))?.baseFeePerGas ?? 0n;
    const { maxFeePerGas, maxPriorityFeePerGas } = await super.getFeeData();
    return new FeeData(max(suggested, baseFee), maxFeePerGas, maxPriorityFeePerGas);
  }
}

interface Answer {
  id?: unknown;
  result?: unknown;
  error?: unknown;
}

/** The most characters of a node's own words that are repeated. */
const MAX_WORDS = 300;

/** Returns an error as JSON-RPC has it, on one line and without what a terminal would obey. */
function errorOf(answer: unknown, status: number): { code: number; message: string; data?: unknown } {
  const { code, message, data } = (typeof answer === "object" ? answer : { message: answer }) as Record<
    string,
    unknown
  >;
  const words = typeof message === "string" && message !== "" ? message : (JSON.stringify(answer) ?? "no reason given");
  return {
    code: typeof code === "number" ? code : status,
    message: words.replace(/\p{Cc}+/gu, " ").slice(0, MAX_WORDS),
    data,
  };
}

/** Returns a part of a URL as it was before it was encoded, or as it is if it never was. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Returns the JSON-RPC answer in a body; undefined if it is something else. */
function parse(body: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === "object" && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

const QUANTITIES = [
  "eth_blockNumber",
  "eth_chainId",
  "eth_estimateGas",
  "eth_gasPrice",
  "eth_getBalance",
  "eth_getTransactionCount",
  "eth_maxPriorityFeePerGas",
];
const BYTES = ["eth_call", "eth_getCode"];

/** Gas that every transaction takes. */
const LEAST_GAS = 21_000n;

/** Checks that a result is of the kind that a method gives. */
function isResult(method: string, [tag]: unknown[], result: unknown): boolean {
  if (method === "eth_estimateGas") return isQuantity(result) && BigInt(result) >= LEAST_GAS;
  if (method === "eth_blockNumber" || method === "eth_getTransactionCount") return isCount(result);
  if (QUANTITIES.includes(method)) return isQuantity(result);
  if (BYTES.includes(method)) return isHexString(result, true);
  if (method === SENDING) return isHexString(result, 32);
  if (method === "eth_getLogs") return Array.isArray(result) && result.every(isLog);
  if (method === "eth_getTransactionReceipt") return result === null || isReceipt(result);
  if (method !== "eth_getBlockByNumber") return result !== undefined;
  // only a chain without a block has no latest one
  return result === null ? tag !== "latest" : isBlock(result);
}

function isQuantity(value: unknown): value is string {
  return typeof value === "string" && /^0x[0-9a-f]{1,64}$/i.test(value);
}

/** Checks that a quantity is one that JavaScript can count. */
function isCount(value: unknown): boolean {
  return isQuantity(value) && BigInt(value) <= BigInt(Number.MAX_SAFE_INTEGER);
}

function isBlock(value: unknown): boolean {
  const block = (value ?? {}) as Record<string, unknown>;
  return (
    isCount(block.number) &&
    isCount(block.timestamp) &&
    isQuantity(block.gasLimit) &&
    BigInt(block.gasLimit) > 0n &&
    Array.isArray(block.transactions) &&
    [block.difficulty, block.baseFeePerGas].every((each) => each === undefined || isQuantity(each))
  );
}

function isLog(value: unknown): boolean {
  const { address, topics, data, blockNumber } = (value ?? {}) as Record<string, unknown>;
  return isHexString(address, 20) && Array.isArray(topics) && isHexString(data, true) && isCount(blockNumber);
}

function isReceipt(value: unknown): boolean {
  const { transactionHash, transactionIndex, blockNumber, logs } = (value ?? {}) as Record<string, unknown>;
  return isHexString(transactionHash, 32) && [transactionIndex, blockNumber].every(isCount) && Array.isArray(logs);
}

/** Returns a URL's protocol and host, without what may be a key. */
function publicName(url: URL): string {
  const labels = url.host.split(".").map((label) => (isHostKey(label) ? "…" : label));
  return `${url.protocol}//${labels.join(".")}${isBare(url) ? "" : "/…"}`;
}

/** Checks that a URL has nothing but a host. */
function isBare({ pathname, search, username, password }: URL): boolean {
  return pathname === "/" && search === "" && username === "" && password === "";
}
