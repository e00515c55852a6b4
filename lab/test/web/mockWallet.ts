import type { JsonRpcProvider } from "ethers";
import type { Page } from "playwright-core";

/** EIP-1193's code of a refusal by the wallet's owner. */
const REFUSED = 4_001;

const NAME = "Test wallet";

interface Answer {
  result?: unknown;
  error?: { code: number; message: string };
}

interface Call {
  method: string;
  params?: unknown[];
}

/** Methods that a wallet asks its owner about. */
const ASKED = ["eth_requestAccounts", "eth_sendTransaction", "eth_signTypedData_v4", "wallet_switchEthereumChain"];

/** A wallet in a page that announces itself by EIP-6963, and signs by a node that knows its key. */
export class MockWallet {
  /** Whether its owner refuses all that they are asked. */
  isRefusing = false;
  /** The chain that it is on. */
  chainId: number;
  private isOpen = false;

  constructor(
    private readonly provider: JsonRpcProvider,
    readonly account: string,
    chainId: number,
  ) {
    this.chainId = chainId;
  }

  /** Puts the wallet into a page, before it is opened. */
  async enter(page: Page): Promise<void> {
    await page.exposeFunction("askWallet", (call: Call) => this.answer(call));
    await page.addInitScript(`(${announce.toString()})("${NAME}")`);
  }

  /** Connects the page to the wallet. */
  async connect(page: Page): Promise<void> {
    await page.getByRole("button", { name: `Connect ${NAME}` }).click();
    await page.getByRole("button", { name: "Disconnect" }).waitFor();
  }

  private async answer({ method, params = [] }: Call): Promise<Answer> {
    if (this.isRefusing && ASKED.includes(method))
      return { error: { code: REFUSED, message: "User rejected the request" } };
    if (method === "eth_requestAccounts") this.isOpen = true;
    switch (method) {
      case "eth_requestAccounts":
      case "eth_accounts":
        return { result: this.isOpen ? [this.account] : [] };
      case "eth_chainId":
        return { result: `0x${this.chainId.toString(16)}` };
      case "wallet_switchEthereumChain":
        this.chainId = Number((params[0] as { chainId: string }).chainId);
        return { result: null };
      default:
        return this.forward(method, params);
    }
  }

  /** Hands a call to the node, and its answer back as it is, as wallets do: ethers would word its errors anew. */
  private async forward(method: string, params: unknown[]): Promise<Answer> {
    const { url } = this.provider._getConnection();
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    return (await response.json()) as Answer;
  }
}

/** Runs in the page, and knows nothing of this file. */
function announce(name: string): void {
  const page = globalThis as unknown as {
    askWallet(call: unknown): Promise<{ result?: unknown; error?: object }>;
    addEventListener(type: string, listener: () => void): void;
    dispatchEvent(event: unknown): void;
    CustomEvent: new (type: string, options: object) => unknown;
  };
  const listeners: Record<string, ((value: unknown) => void)[]> = {};
  const provider = {
    on: (event: string, listener: (value: unknown) => void) => {
      listeners[event] = [...(listeners[event] ?? []), listener];
    },
    removeListener: () => undefined,
    request: async (call: { method: string; params?: unknown[] }) => {
      const { result, error } = await page.askWallet(call);
      if (error !== undefined) throw Object.assign(new Error(), error);
      if (call.method === "wallet_switchEthereumChain") {
        const [{ chainId }] = call.params as [{ chainId: string }];
        for (const listener of listeners.chainChanged ?? []) listener(chainId);
      }
      return result;
    },
  };
  const icon = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=";
  const info = { uuid: "350670db-19fa-4704-a166-e52e178b59d2", name, icon, rdns: "example.wallet" };
  const tell = () => {
    page.dispatchEvent(new page.CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  };
  page.addEventListener("eip6963:requestProvider", tell);
  tell();
}
