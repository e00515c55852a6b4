import type { JsonRpcProvider } from "ethers";
import { id } from "ethers";
import type { FrameLocator, Page } from "playwright-core";

interface Asked {
  method: string;
  params?: { txs?: Call[]; safeTxHash?: string };
}

interface Call {
  to: string;
  data: string;
  value: string;
}

interface Answer {
  success: boolean;
  data?: unknown;
  error?: string;
}

/** A Safe's interface around the page, by the messages of the Safe Apps protocol, whose Safe is an account of the node. */
export class MockSafe {
  /** Whether its owner refuses what they are asked to sign. */
  isRefusing = false;
  /** Methods that the page has asked for. */
  readonly asked: string[] = [];
  readonly proposals: Call[][] = [];
  private readonly ends = new Map<string, { txStatus: string; txHash?: string }>();

  constructor(
    private readonly provider: JsonRpcProvider,
    readonly account: string,
    private readonly chainId: number,
  ) {}

  /** Opens an address of the page in a frame of a window of an origin. */
  async frame(page: Page, origin: string, url: string): Promise<FrameLocator> {
    await page.exposeFunction("askSafe", (asked: Asked) => this.answer(asked));
    const body = `<iframe src="${url}" width="100%" height="900"></iframe><script>(${interfaceOf.toString()})()</script>`;
    await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: "text/html", body }));
    await page.goto(`${origin}/apps`);
    return page.frameLocator("iframe");
  }

  /** Makes the calls of the last proposal, as its owners do once enough of them have signed. */
  async execute(): Promise<void> {
    const signer = await this.provider.getSigner(this.account);
    let txHash: string | undefined;
    for (const { to, data, value } of this.proposals.at(-1) ?? []) {
      const sent = await signer.sendTransaction({ to, data, value: BigInt(value) });
      await sent.wait();
      txHash = sent.hash;
    }
    this.ends.set(this.lastHash, { txStatus: "SUCCESS", txHash });
  }

  /** Rejects the last proposal. */
  cancel(): void {
    this.ends.set(this.lastHash, { txStatus: "CANCELLED" });
  }

  private get lastHash(): string {
    return id(`proposal ${this.proposals.length}`);
  }

  private answer({ method, params }: Asked): Answer {
    this.asked.push(method);
    switch (method) {
      case "getSafeInfo": {
        const owners = [this.account];
        return given({ safeAddress: this.account, chainId: this.chainId, threshold: 2, owners, isReadOnly: false });
      }
      case "sendTransactions":
        if (this.isRefusing) return { success: false, error: "Transaction was rejected" };
        this.proposals.push(params?.txs ?? []);
        return given({ safeTxHash: this.lastHash });
      case "getTxBySafeTxHash":
        return given(this.ends.get(params?.safeTxHash ?? "") ?? { txStatus: "AWAITING_CONFIRMATIONS", txHash: null });
      default:
        return { success: false, error: `${method} is not expected` };
    }
  }
}

const given = (data: unknown): Answer => ({ success: true, data });

/** Runs in the window around the page, and knows nothing of this file. */
function interfaceOf(): void {
  interface Heard {
    data: { id: string; method: string; params: unknown; env: { sdkVersion: string } };
    source: { postMessage(message: object, origin: string): void };
    origin: string;
  }
  const around = globalThis as unknown as {
    askSafe(asked: object): Promise<object>;
    addEventListener(type: string, listener: (event: Heard) => void): void;
  };
  around.addEventListener("message", ({ data: { id, method, params, env }, source, origin }) => {
    void around.askSafe({ method, params }).then((answer) => {
      source.postMessage({ id, version: env.sdkVersion, ...answer }, origin);
    });
  });
}
