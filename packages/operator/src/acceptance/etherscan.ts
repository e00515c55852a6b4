/** Milliseconds after which an explorer is asked again about sources that it has not compiled yet. */
const POLLING_INTERVAL = 3_000;

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
  status: string;
  message: string;
  result: unknown;
}

/** Client of an explorer with Etherscan's API, https://docs.etherscan.io/api-reference. */
export class Etherscan {
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
    private readonly pollingInterval = POLLING_INTERVAL,
  ) {}

  /** Returns the page of a contract's sources. */
  getContractUrl(address: string): string {
    return `${this.browserUrl}/address/${address}#code`;
  }

  /** Returns whether the explorer has the sources of a contract. */
  async isVerified(address: string): Promise<boolean> {
    const { message, result } = await this.ask({ action: "getsourcecode", address });
    const [contract] = message === "OK" ? (result as { SourceCode?: string }[]) : [];
    return Boolean(contract?.SourceCode);
  }

  /** Submits sources, and resolves to the explorer's words on them once it has compiled them, as "Pass - Verified". */
  async verify(submission: SourceSubmission): Promise<string> {
    const { status, result } = await this.ask(
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
    if (status !== "1") return String(result);

    for (;;) {
      const { result: outcome } = await this.ask({ action: "checkverifystatus", guid: String(result) });
      if (outcome !== "Pending in queue") return String(outcome);
      await new Promise((resolve) => setTimeout(resolve, this.pollingInterval));
    }
  }

  /** Asks by GET, or by POST if there is a form. */
  private async ask(query: Record<string, string>, form?: Record<string, string>): Promise<Answer> {
    const access = { module: "contract", apikey: this.apiKey };
    const url = new URL(this.apiUrl);
    if (this.chainId !== undefined) url.searchParams.set("chainid", String(this.chainId));
    const asked = form === undefined ? { ...access, ...query } : query;
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);

    const body = form && new URLSearchParams({ ...access, ...form });
    const response = await fetch(url, { method: body === undefined ? "GET" : "POST", body }).catch((error: Error) => {
      throw new Error(`${url.origin} cannot be reached: ${describe(error)}`);
    });
    if (!response.ok) throw new Error(`${url.origin} answered with status ${response.status}`);
    return (await response.json()) as Answer;
  }
}

/** Describes why `fetch` failed, which it says in the cause alone. */
function describe(error: Error): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? error.message;
}
