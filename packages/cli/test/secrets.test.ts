import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { FakeExplorer, notOk, type Question, type Reply } from "../../../test/helpers/fakeExplorer";
import { CommandProcess, OtherChain, type Outcome } from "../../../test/helpers/otherChain";

const PARAMETERS = "deploy/parameters/local.json5";

/** Texts that give access, each recognisable, and the reserved characters of URLs in some. */
const USER = "us3r-77a1";
const PASSWORD = "p@ss/w0rd";
const PATH_KEY = "pAth+k3y=91c2";
const QUERY_KEY = "qu3ry/k3y+55aa";
const TOKEN = "t0ken/9f8e+7d6c";
const API_KEY = 'eXplor3r/k3y+42|"x"';

const basic = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");

/** Everything that must not get out, in each form in which it may be written. */
const SECRETS = [USER, PASSWORD, PATH_KEY, QUERY_KEY, TOKEN, API_KEY, basic].flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  new URLSearchParams({ secret }).toString().slice("secret=".length),
  JSON.stringify(secret).slice(1, -1),
  secret.replaceAll("|", "\\|"),
]);

function expectNoSecret(text: string, where: string): void {
  const found = SECRETS.filter((secret) => text.toLowerCase().includes(secret.toLowerCase()));
  expect(found, `in ${where}: ${text.slice(0, 2_000)}`).to.deep.equal([]);
}

/** How a node fails: by HTTP's status, or by an error of JSON-RPC. Either repeats all that it was sent. */
type Failure = "status" | "error";

/** Stands in front of a node that takes a key in its path and its query, user and password, and repeats them on failure. */
class KeyedNode {
  /** Methods that fail, and how. */
  failing: { how: Failure; isFailing: (method: string) => boolean } | undefined;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(node: string): Promise<KeyedNode> {
    const server = createServer((request, response) => {
      repeat(node, keyed.failing, request, response).catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const access = `${USER}:${encodeURIComponent(PASSWORD)}`;
    const place = `v2/${encodeURIComponent(PATH_KEY)}?apikey=${encodeURIComponent(QUERY_KEY)}`;
    const keyed = new KeyedNode(server, `http://${access}@127.0.0.1:${port}/${place}`);
    return keyed;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

function repeated({ url, headers }: Pick<IncomingMessage, "url" | "headers">): string {
  return [url, decodeURIComponent(url ?? ""), JSON.stringify(headers), headers.authorization].join(" ");
}

async function repeat(
  node: string,
  failing: KeyedNode["failing"],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const { method, id } = JSON.parse(body) as { method: string; id: number };
  const message = `you sent ${repeated(request)}`;
  const send = (status: number, text: string) =>
    response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(text);

  if (failing?.isFailing(method) === true) {
    if (failing.how === "status") return void send(403, message);
    return void send(200, JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32_000, message } }));
  }
  const answer = await fetch(node, { method: "POST", headers: { "content-type": "application/json" }, body });
  send(200, await answer.text());
}

/** A deployment on a node behind a key, and where its files are. */
class World {
  private constructor(
    private readonly chain: OtherChain,
    readonly node: KeyedNode,
    readonly directory: string,
  ) {}

  static async create(): Promise<World> {
    const chain = await OtherChain.start();
    const node = await KeyedNode.open(chain.url);
    return new World(chain, node, await mkdtemp(path.join(tmpdir(), "turingfog-secrets-")));
  }

  async end(): Promise<void> {
    await this.node.close();
    await this.chain.stop();
    await rm(this.directory, { recursive: true });
  }

  /** Runs a command, and looks at all that it printed and at every file. */
  async run(command: string, args: string[]): Promise<Outcome> {
    const folder = command === "deploy plan" ? [] : ["--deployments", this.directory];
    const all = [...args, "--network", "localhost", ...folder];
    const env = { LOCALHOST_RPC_URL: this.node.url, ETHERSCAN_API_KEY: API_KEY };
    const outcome = await CommandProcess.start(command, all, env).outcome;
    expectNoSecret(outcome.stdout, `stdout of ${command}`);
    expectNoSecret(outcome.stderr, `stderr of ${command}`);
    for (const file of await readdir(this.directory)) {
      expectNoSecret(await readFile(path.join(this.directory, file), "utf8"), file);
    }
    return outcome;
  }
}

/** Every command that asks a node, but for those that need a file of their own. */
const COMMANDS: [command: string, args: string[]][] = [
  ["deploy plan", ["--parameters", PARAMETERS]],
  ["deploy run", ["--parameters", PARAMETERS]],
  ["deploy status", []],
  ["deploy verify", ["--parameters", PARAMETERS]],
  ["deploy accept", ["--parameters", PARAMETERS]],
  ["govern list", []],
  ["guard freeze", ["--dry-run", "--json"]],
];

describe("what commands print and write", () => {
  const made: { world?: World } = {};
  const world = () => made.world as World;

  before(async () => {
    made.world = await World.create();
    const { code, stderr } = await world().run("deploy run", ["--parameters", PARAMETERS, "--json"]);
    expect(code, stderr).to.equal(0);
  });
  after(async () => made.world?.end());

  it("has no key of a node that answers nothing", async () => {
    world().node.failing = { how: "status", isFailing: () => true };
    const { code, stderr } = await world().run("deploy status", []);
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /^The node of localhost \(http:\/\/127\.0\.0\.1:\d+\/…\) does not answer eth_chainId \(HTTP 403\)/,
    );
  });

  for (const [command, args] of COMMANDS) {
    for (const how of ["status", "error"] as const) {
      it(`has no key of a node that fails with ${how} and repeats what it was sent: ${command}`, async () => {
        world().node.failing = { how, isFailing: (method) => !/chainId|blockNumber/.test(method) };
        const { code, stdout, stderr } = await world().run(command, args);
        expect(code, stdout + stderr).to.equal(1);
        // the witness that the node's answer got this far; the body of a status is not repeated
        expect(stdout + stderr).to.contain(how === "status" ? "HTTP 403" : "[RPC key]");
      });
    }
  }

  /** An explorer that repeats what it was sent. */
  const echoes = ({ url, headers, form }: Question) =>
    ["you sent", repeated({ url, headers }), form.get("apikey"), JSON.stringify([...form.entries()].slice(0, 2))].join(
      " ",
    );

  for (const [how, interrupt] of [
    ["an answer", (question: Question): Reply => ({ body: notOk(echoes(question)) })],
    ["a status of HTTP", (question: Question): Reply => ({ status: 403, body: echoes(question) })],
  ] as const) {
    for (const format of [[], ["--json"]]) {
      it(`has no key of an explorer that repeats what it was sent in ${how}, nor has a report ${format.join()}`, async () => {
        world().node.failing = undefined;
        const explorer = await FakeExplorer.start();
        explorer.interrupt = interrupt;
        const api = `${explorer.url}?token=${encodeURIComponent(TOKEN)}`;
        const report = path.join(world().directory, "verification");
        const args = ["--parameters", PARAMETERS, "--explorer-api", api, "--report", report, ...format];
        const { code, stdout, stderr } = await world().run("deploy verify", args);
        await explorer.stop();
        expect(code, stderr).to.equal(1);
        expect(explorer.questions.length).to.be.greaterThan(10);
        expect(explorer.questions[0].query.get("apikey")).to.equal(API_KEY);
        if (how === "an answer") {
          const texts = [stdout, ...(await Promise.all([".md", ".json"].map((end) => readFile(report + end, "utf8"))))];
          for (const text of texts) expect(text).to.contain("[API key]");
        }
      });
    }
  }

  it("has no key that an address of an explorer has, if it is no URL or cannot be asked", async () => {
    world().node.failing = undefined;
    for (const [api, code] of [
      [`nowhere ${TOKEN}`, 2],
      [`http://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:9/${encodeURIComponent(PATH_KEY)}`, 1],
    ] as const) {
      const outcome = await world().run("deploy verify", ["--parameters", PARAMETERS, "--explorer-api", api]);
      expect(outcome.code, outcome.stderr).to.equal(code);
    }
  });

  it("has no key in an error that nobody catches, with its stack and its causes", async () => {
    const script = `
      const { exitWith } = require("@turingfog/cli");
      const { hide } = require("@turingfog/sdk/node");
      hide(${JSON.stringify(API_KEY)}, "API key");
      exitWith(new Promise(() => undefined));
      const cause = Object.assign(new Error("inner"), { url: "https://explorer.example/" + ${JSON.stringify(API_KEY)} });
      setImmediate(() => { throw new Error("outer of " + ${JSON.stringify(API_KEY)}, { cause }); });
    `;
    const running = promisify(execFile)(process.execPath, ["-e", script], { cwd: __dirname });
    const { code, stderr } = await running.then(
      () => expect.fail("the process ends with an error"),
      (error: { code: number; stderr: string }) => error,
    );
    expect(code).to.equal(1);
    expectNoSecret(stderr, "stderr");
    expect(stderr).to.match(/outer of \[API key\][^]*inner[^]*explorer\.example\/\[API key\]/);
  });
});
