import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { keccak256, Transaction } from "ethers";
import { network } from "hardhat";

/** What the chain's node does with the requests of one member, instead of answering them. */
export type RpcFault = "gone" | "refusing" | "slow" | "behind" | "forked" | "empty" | "pruned";

/** Seconds that the chain's time goes on at each step, and milliseconds between two steps. */
const STEP = 6;
const PACE = 400;

/** Milliseconds that a slow node takes, and blocks that one is behind. */
const SLOW = 1_500;
const BEHIND = 20;

/** Milliseconds for which a block stands that is undone then: long enough for everybody to have seen it. */
const STANDS = 1_500;

interface Call {
  id: unknown;
  method: string;
  params?: unknown[];
}

interface Answer {
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

/**
 * Hardhat's chain of this process, whose blocks come by themselves, with what was sent to it since the one before, and
 * which every member reaches by an address of its own.
 */
export class Chain {
  private readonly faults = new Map<string, RpcFault>();
  /** Block at which the node of a member stands still that is behind. */
  private readonly stands = new Map<string, number>();
  private isRunning = true;
  private last: Promise<unknown> = Promise.resolve();
  private pumped: Promise<void> = Promise.resolve();
  /** Account whose next transaction is undone after it was mined, and what hears of that. */
  private undoing?: { to: string; done: (data: string) => void };

  private constructor(
    private readonly server: Server,
    /** Hears of the chain's time, in unix seconds. */
    private readonly onTime: (now: number) => void,
  ) {}

  static async open(onTime: (now: number) => void): Promise<Chain> {
    const server = createServer((request, response) => {
      void (async () => {
        let body = "";
        for await (const part of request) body += String(part);
        await chain.serve((request.url ?? "/").slice(1), body, response);
      })().catch(() => response.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const chain = new Chain(server, onTime);
    chain.pumped = chain.pump();
    return chain;
  }

  /** Returns where a member reaches its node of the chain. */
  urlOf(member: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${member}`;
  }

  /** Has a member's node misbehave, or answer again. */
  fault(member: string, fault?: RpcFault): void {
    this.stands.delete(member);
    if (fault === undefined) this.faults.delete(member);
    else this.faults.set(member, fault);
  }

  /** Does something while no time passes and nothing is undone; what it sends is mined at once. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(async () => {
      await send("evm_setAutomine", [true]);
      try {
        return await work();
      } finally {
        await send("evm_setAutomine", [false]);
      }
    });
    this.last = done.catch(() => undefined);
    return done;
  }

  async increase(seconds: bigint): Promise<void> {
    await this.alone(() => time.increase(seconds));
  }

  /**
   * Resolves once the next transaction to a contract was mined, seen by everybody, and undone with its block.
   * @returns its data
   */
  undoNext(to: string): Promise<string> {
    return new Promise((done) => (this.undoing = { to: to.toLowerCase(), done }));
  }

  async close(): Promise<void> {
    this.isRunning = false;
    await this.pumped;
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
  }

  private async pump(): Promise<void> {
    while (this.isRunning) {
      await this.increase(BigInt(STEP));
      this.onTime(await time.latest());
      await sleep(PACE);
    }
  }

  private async serve(member: string, body: string, response: ServerResponse): Promise<void> {
    const fault = this.faults.get(member);
    if (fault === "gone") return void response.destroy();
    if (fault === "slow") await sleep(SLOW);
    const given = JSON.parse(body) as Call | Call[];
    const calls = [given].flat();
    const answers = await Promise.all(
      calls.map(async ({ id, ...call }) => ({ jsonrpc: "2.0", id, ...(await this.answer(call, member)) })),
    );
    const text = JSON.stringify(Array.isArray(given) ? answers : answers[0]);
    response.writeHead(200, { "content-type": "application/json" }).end(text);
  }

  private async answer(call: Omit<Call, "id">, member: string): Promise<Answer> {
    const { method, params = [] } = call;
    const fault = this.faults.get(member);
    if (fault === "refusing") return { error: { code: -32_005, message: "limit exceeded" } };
    if (fault === "empty" && method === "eth_getLogs") return { result: [] };
    if (fault === "pruned" && method === "eth_getLogs") return { error: { code: -32_000, message: "history pruned" } };
    if (fault === "forked" && method === "eth_getBlockByNumber") return forked(await this.ask(method, params));
    if (fault === "behind" && ["eth_blockNumber", "eth_getBlockByNumber"].includes(method)) {
      const stands = this.stands.get(member) ?? Number(await send("eth_blockNumber")) - BEHIND;
      this.stands.set(member, stands);
      const old = `0x${stands.toString(16)}`;
      if (method === "eth_blockNumber") return { result: old };
      return this.ask(method, [params[0] === "latest" ? old : params[0], ...params.slice(1)]);
    }
    if (method === "eth_sendRawTransaction") return this.take(params);
    // as others do, which have nothing but the latest state to try on
    if (method === "eth_estimateGas") return this.ask(method, [params[0], "latest"]);
    return this.ask(method, params);
  }

  private async ask(method: string, params: unknown[]): Promise<Answer> {
    try {
      return { result: await send(method, params) };
    } catch (error) {
      const { code, message, data } = error as { code?: unknown; message: string; data?: unknown };
      return { error: { code: typeof code === "number" ? code : -32_603, message, data } };
    }
  }

  /** Mines a transaction; the one that is to be undone stands for a moment. */
  private async take(params: unknown[]): Promise<Answer> {
    const { undoing } = this;
    const { to, data } = Transaction.from(String(params[0]));
    if (undoing === undefined || to?.toLowerCase() !== undoing.to) return this.ask("eth_sendRawTransaction", params);
    this.undoing = undefined;
    return new Promise((resolve) => {
      void this.alone(async () => {
        const before = await send("evm_snapshot");
        resolve(await this.ask("eth_sendRawTransaction", params));
        await send("hardhat_mine", ["0x2"]);
        await sleep(STANDS);
        await send("evm_revert", [before]);
        undoing.done(data);
      });
    });
  }
}

/** Gives a block another hash. */
function forked({ result, ...answer }: Answer): Answer {
  const { hash, ...block } = result as { hash: string };
  return { ...answer, result: { ...block, hash: keccak256(hash) } };
}

function send(method: string, params: unknown[] = []): Promise<unknown> {
  return network.provider.send(method, params);
}
