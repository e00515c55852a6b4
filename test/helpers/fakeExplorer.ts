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

/** What an explorer is asked. */
export interface Question {
  method: string;
  /** Query, as the URL has it. */
  url: string;
  headers: IncomingMessage["headers"];
  query: URLSearchParams;
  form: URLSearchParams;
}

/** What an explorer answers out of turn; a text is sent as it is, all else as JSON. */
export interface Reply {
  status?: number;
  body: unknown;
}

/** Time that passes only when it is waited for. */
export class FakeClock {
  time = 0;

  now = () => this.time;

  sleep = async (milliseconds: number): Promise<void> => {
    this.time += milliseconds;
  };
}

export const ok = (result: unknown) => ({ status: "1", message: "OK", result });
export const notOk = (result: unknown) => ({ status: "0", message: "NOTOK", result });

/** An explorer with Etherscan's API, that believes everything but what it is told to refuse. */
export class FakeExplorer {
  readonly submissions: Submission[] = [];
  readonly questions: Question[] = [];

  /** Answers in the explorer's place; undefined for its own answer. */
  interrupt: (question: Question, count: number) => Reply | undefined = () => undefined;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param refuse the contract, as `contracts/TFT.sol:TFT`, that it does not manage to verify */
  static async start(refuse?: string): Promise<FakeExplorer> {
    const server = createServer((request, response) => {
      answer(explorer, refuse, request).then(
        ({ status = 200, body }) => {
          const text = typeof body === "string" ? body : JSON.stringify(body);
          response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(text);
        },
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

async function answer(explorer: FakeExplorer, refuse: string | undefined, request: IncomingMessage): Promise<Reply> {
  const url = request.url ?? "";
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const form = new URLSearchParams(body);
  const query = new URL(url, "http://localhost").searchParams;
  const question = { method: request.method ?? "", url, headers: request.headers, query, form };
  explorer.questions.push(question);
  const interruption = explorer.interrupt(question, explorer.questions.length);
  return interruption ?? { body: believe(explorer.submissions, refuse, question) };
}

function believe(submissions: Submission[], refuse: string | undefined, { method, query, form }: Question) {
  const text = (name: string) => form.get(name) ?? "";
  if (method === "POST") {
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
  return contractName === refuse ? notOk("Fail - Unable to verify") : ok("Pass - Verified");
}
