import { hexlify, isAddress, randomBytes } from "ethers";

import { TuringFogError } from "@turingfog/sdk";

/** The version of the Safe Apps protocol that is spoken. A Safe answers by the one that it was asked in. */
const VERSION = "9.1.0";

/** Bytes of a message's id. */
const ID_BYTES = 16;

/** A call as a Safe takes it: one of several, which it makes in one transaction. */
interface SafeCall {
  to: string;
  data: string;
  value: string;
}

interface Answer {
  id: string;
  success: boolean;
  data?: unknown;
  error?: unknown;
}

/** What has become of a proposal. */
export type Proposal =
  { kind: "waiting" } | { kind: "executed"; transaction: string } | { kind: "failed" } | { kind: "cancelled" };

/** Thrown when a Safe refuses what it was asked. */
export class SafeRefusedError extends TuringFogError {
  constructor(reason: unknown) {
    super(`The Safe has not taken it: ${String(reason)}. Nothing was proposed`);
  }
}

/** Thrown when what stands around the page answers otherwise than a Safe. */
export class NoSafeError extends TuringFogError {
  constructor(what: string, got: unknown, expected: string) {
    super(`What stands around the page is no Safe: ${what} is ${JSON.stringify(got)}, expected ${expected}`);
  }
}

/**
 * Speaks with the Safe's interface around this page by the messages of the Safe Apps protocol. Its own library would send
 * them to any window that frames the page, and brings a second client of Ethereum and one of the Safe's servers.
 */
export class SafeFrame {
  private readonly waiting = new Map<string, (answer: Answer) => void>();

  /** @param origin the origin of the Safe's interface, which alone is spoken with */
  constructor(private readonly origin: string) {
    window.addEventListener("message", (event: MessageEvent<Partial<Answer> | null>) => {
      if (event.source !== window.parent || event.origin !== origin) return;
      const { id = "" } = event.data ?? {};
      this.waiting.get(id)?.(event.data as Answer);
      this.waiting.delete(id);
    });
  }

  /**
   * Asks for the Safe as a wallet. Never resolves if no Safe is there.
   * @throws NoSafeError
   */
  async wallet() {
    const { safeAddress, chainId } = (await this.ask("getSafeInfo")) as { safeAddress: unknown; chainId: unknown };
    if (!isAddress(safeAddress)) throw new NoSafeError("safeAddress", safeAddress, "an address");
    if (!Number.isSafeInteger(chainId)) throw new NoSafeError("chainId", chainId, "a number");
    const request = ({ method }: { method: string }): Promise<unknown> => {
      if (method === "eth_requestAccounts") return Promise.resolve([safeAddress]);
      if (method === "eth_chainId") return Promise.resolve(chainId);
      return Promise.reject(new SafeRefusedError(`it stays on chain ${String(chainId)}`));
    };
    return { info: { uuid: this.origin, name: "Safe", icon: "", rdns: "" }, provider: { request }, safe: this };
  }

  /**
   * Proposes calls to the Safe's owners, to be made in one transaction. Returns the hash by which the Safe knows it.
   * @throws SafeRefusedError
   */
  async propose(calls: readonly { to: string; data: string }[]): Promise<string> {
    const txs = calls.map(({ to, data }): SafeCall => ({ to, data, value: "0" }));
    const { safeTxHash } = (await this.ask("sendTransactions", { txs })) as { safeTxHash: string };
    return safeTxHash;
  }

  /** Asks what has become of a proposal. */
  async proposal(safeTxHash: string): Promise<Proposal> {
    const answer = await this.ask("getTxBySafeTxHash", { safeTxHash });
    const { txStatus, txHash } = answer as { txStatus: string; txHash?: string | null };
    if (txStatus === "SUCCESS" && typeof txHash === "string") return { kind: "executed", transaction: txHash };
    if (txStatus === "FAILED") return { kind: "failed" };
    return { kind: txStatus === "CANCELLED" ? "cancelled" : "waiting" };
  }

  private async ask(method: string, params?: object): Promise<unknown> {
    const id = hexlify(randomBytes(ID_BYTES));
    const answered = new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    window.parent.postMessage({ id, method, params, env: { sdkVersion: VERSION } }, this.origin);
    const { success, data, error } = await answered;
    if (!success) throw new SafeRefusedError(error);
    return data;
  }
}
