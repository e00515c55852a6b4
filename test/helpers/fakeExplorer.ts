import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What was submitted to an explorer for one contract. */
export interface Submission {
  address: string;
  /** Standard JSON input. */
  source: string;
  contractName: string;
  compilerVersion: string;
  /** Hexadecimal, without 0x. */
  constructorArguments: string;
}

/** An explorer with Etherscan's API, that believes everything but what it is told to refuse. */
export class FakeExplorer {
  readonly submissions: Submission[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param refuse the contract, as `contracts/TFT.sol:TFT`, that it does not manage to verify */
  static async start(refuse?: string): Promise<FakeExplorer> {
    const server = createServer((request, response) => {
      answer(explorer, refuse, request).then(
        (body) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
        () => response.destroy(),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const explorer = new FakeExplorer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`);
    return explorer;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

async function answer({ submissions }: FakeExplorer, refuse: string | undefined, request: IncomingMessage) {
  const query = new URL(request.url ?? "", "http://localhost").searchParams;
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const form = new URLSearchParams(body);
  const ok = (result: unknown) => ({ status: "1", message: "OK", result });
  const text = (name: string) => form.get(name) ?? "";

  if (request.method === "POST") {
    submissions.push({
      address: text("contractaddress"),
      source: text("sourceCode"),
      contractName: text("contractname"),
      compilerVersion: text("compilerversion"),
      constructorArguments: text("constructorArguements"), // so spelt by Etherscan
    });
    return ok(String(submissions.length - 1));
  }
  if (query.get("action") === "getsourcecode") {
    const known = submissions.find(({ address }) => address === query.get("address"));
    return ok([{ SourceCode: known === undefined || known.contractName === refuse ? "" : known.source }]);
  }
  const { contractName } = submissions[Number(query.get("guid"))];
  return contractName === refuse
    ? { status: "0", message: "NOTOK", result: "Fail - Unable to verify" }
    : ok("Pass - Verified");
}
