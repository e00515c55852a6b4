import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { type SnapshotRestorer, takeSnapshot } from "@nomicfoundation/hardhat-network-helpers";
import { turingfog } from "@turingfog/cli";
import { readParameters } from "@turingfog/operator";
import { formatInstant } from "@turingfog/sdk";
import { expect } from "chai";
import { computeAddress } from "ethers";
import { ethers, network } from "hardhat";

import { accountKeys } from "../../../test/helpers/keys";
import {
  behindBy,
  chainBehind,
  failingAfter,
  FAULTS,
  HABITS,
  type Habit,
  MisbehavingNode,
  type RpcAnswer,
} from "../../../test/helpers/misbehavingNode";
import { CommandProcess } from "../../../test/helpers/otherChain";
import { EXAMPLE_100, fileOf, temporaryFolder } from "../../../test/helpers/tuLogs";

const PARAMETERS = "deploy/parameters/local.json5";

/** Seconds in which a node must answer: the default, and for the faults at which each question takes all its time. */
const DEFAULT_TIMEOUT = 20;
const TIMEOUTS: Partial<Record<keyof typeof FAULTS, number>> = { "HTTP 503": 0.6, "HTTP 429": 0.6, silence: 0.3 };

/** What a command ended with, in this process. */
interface Ended {
  code?: number;
  error?: Error;
  printed: string;
}

/** A deployment on this process' chain, behind a node whose habits change. */
interface World {
  node: MisbehavingNode;
  deployments: string;
  /** A parameter file of which nothing stands. */
  unlike: string;
  operation: string;
  signatures: string[];
}

const keyOf = (index: number) => ({ TURINGFOG_PRIVATE_KEY: accountKeys()[index].privateKey });
const [ADMIN, GUARDIAN] = [1, 2].map(keyOf);
const NEW_GUARDIAN = computeAddress(accountKeys()[16]);

/** Runs a command in this process, with some variables of the environment. */
async function run(words: readonly string[], env: Record<string, string>): Promise<Ended> {
  const before = { ...process.env };
  const { log, error } = console;
  const lines: string[] = [];
  Object.assign(process.env, env);
  console.log = (line: string) => lines.push(line);
  console.error = () => undefined;
  try {
    const code = await turingfog([...words, "--network", "localhost"]);
    return { code, printed: lines.join("\n") };
  } catch (thrown) {
    return { error: thrown as Error, printed: lines.join("\n") };
  } finally {
    Object.assign(console, { log, error });
    process.env = before;
  }
}

async function createWorld(): Promise<World> {
  const node = await MisbehavingNode.start(chainBehind(network.provider));
  const deployments = temporaryFolder();
  const done = async (words: string[], key: Record<string, string> = {}) => {
    const env = { LOCALHOST_RPC_URL: node.url, ...key };
    const { error, printed } = await run([...words, "--deployments", deployments, "--json"], env);
    expect(error, error?.message).to.equal(undefined);
    return JSON.parse(printed) as { operation: { id: string } };
  };
  await done(["deploy", "run", "--parameters", PARAMETERS]);
  const schedule = ["govern", "schedule", "replace-guardian", "--guardian", NEW_GUARDIAN];
  const { operation } = await done(schedule, ADMIN);

  const out = temporaryFolder();
  const { signers } = readParameters(PARAMETERS);
  for (const key of accountKeys()
    .filter((each) => signers.includes(computeAddress(each)))
    .slice(0, 3)) {
    await done(["tu", "attest", EXAMPLE_100, "--sign-only", "--out", out], { TURINGFOG_PRIVATE_KEY: key.privateKey });
  }
  const signatures = readdirSync(out).filter((name) => name.endsWith(".signature.json"));
  const text = readFileSync(PARAMETERS, "utf8").replace(/vetoWindow: "[^"]*"/, 'vetoWindow: "1 hour"');
  return {
    node,
    deployments,
    unlike: fileOf("unlike.json5", text),
    operation: operation.id,
    signatures: signatures.map((name) => path.join(out, name)),
  };
}

type Words = (world: World) => string[];
const standing: Words = ({ deployments }) => ["--deployments", deployments];
const checked: Words = (world) => ["--parameters", PARAMETERS, ...standing(world)];
const fresh: Words = ({ unlike }) => ["--parameters", unlike, "--deployments", temporaryFolder()];

/** Every command that reads a chain, in each of its ways to send, with who runs it. */
const COMMANDS: Record<string, { words: Words; key?: Record<string, string> }> = {
  "deploy plan": { words: ({ unlike }) => ["deploy", "plan", "--parameters", unlike] },
  "deploy run --dry-run": { words: (world) => ["deploy", "run", "--dry-run", ...checked(world)] },
  "deploy run --safe": {
    words: (world) => ["deploy", "run", "--safe", path.join(temporaryFolder(), "step.json"), ...fresh(world)],
  },
  "deploy run": { words: (world) => ["deploy", "run", ...fresh(world)] },
  "deploy run, of what stands": { words: (world) => ["deploy", "run", ...checked(world)] },
  "deploy status": { words: (world) => ["deploy", "status", ...checked(world)] },
  "deploy verify": { words: (world) => ["deploy", "verify", ...checked(world)] },
  "deploy accept": { words: (world) => ["deploy", "accept", ...checked(world)] },
  "govern build": { words: (world) => ["govern", "build", "set-operations", "--share", "250", ...standing(world)] },
  "govern schedule": {
    words: (world) => ["govern", "schedule", "set-operations", "--share", "250", ...standing(world)],
    key: ADMIN,
  },
  "govern schedule --dry-run": {
    words: (world) => ["govern", "schedule", "set-operations", "--share", "250", "--dry-run", ...standing(world)],
    key: ADMIN,
  },
  "govern cancel": {
    words: (world) => ["govern", "cancel", "--id", world.operation, ...standing(world)],
    key: ADMIN,
  },
  "govern list": { words: (world) => ["govern", "list", ...standing(world)] },
  "guard freeze": { words: (world) => ["guard", "freeze", ...standing(world)], key: GUARDIAN },
  "guard freeze --safe": {
    words: (world) => ["guard", "freeze", "--safe", path.join(temporaryFolder(), "freeze.json"), ...standing(world)],
  },
  "tu attest --sign-only": {
    words: (world) => ["tu", "attest", EXAMPLE_100, "--sign-only", "--out", temporaryFolder(), ...standing(world)],
    key: keyOf(4),
  },
  "tu attest": {
    words: (world) => [
      "tu",
      "attest",
      EXAMPLE_100,
      ...world.signatures,
      "--out",
      temporaryFolder(),
      ...standing(world),
    ],
  },
};

/** What the error says of each fault. On a busy machine an honest answer may take all of a short time too. */
const SAID: Record<keyof typeof FAULTS, RegExp> = {
  "a page of HTML": /does not answer \w+ \(what it sends is no answer to that\)/,
  "HTTP 503": /does not answer \w+ \((HTTP 503|silent for 0\.6 s)\)/,
  "HTTP 429": /refuses \w+ with "Too Many Requests" \(429\)|does not answer \w+ \(silent for 0\.6 s\)/,
  "HTTP 401": /refuses \w+ with "Must be authenticated!" \(-32000\)/,
  "HTTP 301": /does not answer \w+ \(HTTP 301\)/,
  "an error in HTTP 200": /refuses \w+ with "Must be authenticated!" \(-32000\)/,
  "an answer of null": /does not answer \w+ \(what it sends is no answer to that\)/,
  silence: /does not answer \w+ \(silent for 0\.3 s\)/,
  "a cut connection": /does not answer \w+ \(connection lost\)/,
};

/** Faults that are also tried at the last question, where an answer of little weight may be asked for. */
const ALSO_LAST: readonly string[] = ["HTTP 401", "a cut connection"];

/** The one sentence that ends a command, with the node, the question and the way out. */
const SENTENCE = /^The node of localhost \(http:\/\/127\.0\.0\.1:\d+\) [^\n]+: check [^\n]*LOCALHOST_RPC_URL[^\n]*$/;

/** The one sentence that blames a node which answers. */
const NAMED = /^The node of localhost [^\n]+: check [^\n]*LOCALHOST_RPC_URL[^\n]*$/;

describe("the commands that read a chain", () => {
  const made: { world?: World; snapshot?: SnapshotRestorer } = {};
  const world = () => made.world as World;

  before(async () => {
    made.snapshot = await takeSnapshot();
    made.world = await createWorld();
  });

  after(async () => {
    await world().node.stop();
    await made.snapshot?.restore();
  });

  /** Runs a command by a node with a habit, on the chain as it was made, and counts its questions. */
  async function attempt(name: string, habit: Habit, timeout?: number): Promise<Ended & { questions: number }> {
    const { words, key } = COMMANDS[name];
    const snapshot = await takeSnapshot();
    const { node } = world();
    node.habit = habit;
    node.log.length = 0;
    const env = { LOCALHOST_RPC_URL: node.url, TURINGFOG_RPC_TIMEOUT: String(timeout ?? DEFAULT_TIMEOUT), ...key };
    const ended = await run(words(world()), env);
    await snapshot.restore();
    return { ...ended, questions: node.log.length };
  }

  for (const name of Object.keys(COMMANDS)) {
    describe(name, () => {
      const honest: { questions?: Promise<number> } = {};
      const questions = () =>
        (honest.questions ??= attempt(name, HABITS.honest).then((ended) => {
          expect(ended.error, ended.error?.message).to.equal(undefined);
          return ended.questions;
        }));

      for (const [fault, answer] of Object.entries(FAULTS) as [keyof typeof FAULTS, RpcAnswer][]) {
        it(`ends in one sentence at ${fault}`, async () => {
          const count = await questions();
          for (const good of [Math.floor(count / 2), ...(ALSO_LAST.includes(fault) ? [count - 1] : [])]) {
            const { error, code, printed } = await attempt(name, failingAfter(good, answer), TIMEOUTS[fault]);
            expect(error, `ended with ${code} after ${good} of ${count} answers\n${printed}`).to.be.an("error");
            expect(error?.message).to.match(SENTENCE);
            expect(error?.message).to.match(SAID[fault]);
          }
        });
      }
    });
  }

  for (const [fault, answer] of Object.entries(FAULTS) as [keyof typeof FAULTS, RpcAnswer][]) {
    it(`end in one sentence and with 1, and leave no process behind, at ${fault} from the start`, async () => {
      const { node, deployments } = world();
      node.habit = failingAfter(0, answer);
      const args = ["--network", "localhost", "--deployments", deployments];
      const env = { LOCALHOST_RPC_URL: node.url, TURINGFOG_RPC_TIMEOUT: String(TIMEOUTS[fault] ?? DEFAULT_TIMEOUT) };
      const { code, stdout, stderr } = await CommandProcess.start("deploy status", args, env).outcome;
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "" });
      expect(stderr.trimEnd()).to.match(SENTENCE);
      expect(stderr).to.match(SAID[fault]);
    });
  }

  const answering =
    (method: string, result: unknown): Habit =>
    (request, backend) =>
      request.method === method ? Promise.resolve({ result }) : backend(request);

  for (const name of ["deploy verify", "deploy accept", "govern build", "govern list", "guard freeze", "tu attest"]) {
    it(`end in one sentence at a node that answers ${name} as if it had no contract`, async () => {
      const { error } = await attempt(name, answering("eth_call", "0x"));
      expect(error?.message).to.match(
        /^The node of localhost answers \w+\([\w,]*\) with 0x, as if it had no such contract/,
      );
      expect(error?.message).to.match(NAMED);
    });
  }

  for (const [what, answer, told, next] of [
    ["takes it", undefined, /^freeze: sent as 0x\w{64}$/m, undefined],
    [
      "refuses it",
      { error: { code: -32000, message: "insufficient funds for gas" } },
      /^freeze\n {2}frozen\n[^]*(?<!sent as 0x\w{64})$/,
      /so that the transaction is not sent: check what it names and LOCALHOST_RPC_URL, then run the same command again$/,
    ],
    [
      "is cut off",
      FAULTS["a cut connection"],
      /^freeze: may be sent as 0x\w{64}$/m,
      /\(connection lost\): check that it/,
    ],
  ] as const) {
    it(`say of a transaction no more than what is known, when the node ${what}`, async () => {
      const habit: Habit = (request, backend) =>
        request.method === "eth_sendRawTransaction" && answer ? Promise.resolve(answer) : backend(request);
      const { error, printed } = await attempt("guard freeze", habit);
      expect(printed).to.match(told);
      if (next === undefined) expect(error).to.equal(undefined);
      else expect(error?.message).to.match(SENTENCE).and.to.match(next);
    });
  }

  it("say in their result as of which block it is, which tells what a node that lags does not know", async () => {
    const { node, operation } = world();
    const read = async (habit: Habit, words: string[]) => {
      node.habit = habit;
      return (await run([...words, ...standing(world())], { LOCALHOST_RPC_URL: node.url })).printed;
    };
    const [earlier, block] = await Promise.all(
      [1, 0].map(async (back) => {
        const number = (await ethers.provider.getBlockNumber()) - back;
        return { number, time: BigInt((await ethers.provider.getBlock(number))?.timestamp ?? 0) };
      }),
    );
    const asOf = ({ number, time }: typeof block) => `of block ${number}, ${formatInstant(time)}`;

    const list = ["govern", "list"];
    const [whole, lagging] = [await read(HABITS.honest, list), await read(behindBy(1), list)];
    expect(whole)
      .to.match(new RegExp(`^${operation}  Waiting`))
      .and.to.match(new RegExp(`\\nAs ${asOf(block)}$`));
    expect(lagging).to.equal(`No operation is waiting or ready as ${asOf(earlier)}`);
    expect(JSON.parse(await read(behindBy(1), [...list, "--json"]))).to.deep.equal({
      block: earlier.number,
      time: earlier.time.toString(),
      operations: [],
    });
    expect(await read(behindBy(1), ["deploy", "status"])).to.match(new RegExp(`\\nAs ${asOf(earlier)}$`));
  });

  for (const [what, habit, found] of [
    [
      "has lost its logs",
      HABITS.emptyLogs,
      /has pruned or not indexed logs of blocks \d+ to \d+, where RoleGranted of/,
    ],
    ["has no contract of the deployment", HABITS.emptied, /has no contract at 0x\w{40}/],
    ["is on another chain", answering("eth_chainId", "0x1"), /is on chain 1, the deployment on 31337/],
    ["is behind the deployment", answering("eth_blockNumber", "0x0"), /is at block 0, before block \d+/],
  ] as const) {
    it(`name the variable of a node that ${what}`, async () => {
      const { error } = await attempt("govern list", habit);
      expect(error?.message).to.match(found);
      expect(error?.message).to.match(NAMED);
    });
  }

  it("leave no process behind at a node that falls silent midway", async () => {
    const { node, deployments } = world();
    node.habit = failingAfter(3, FAULTS.silence);
    const args = ["--network", "localhost", "--deployments", deployments];
    const env = { LOCALHOST_RPC_URL: node.url, TURINGFOG_RPC_TIMEOUT: "0.3" };
    const { code, stderr } = await CommandProcess.start("deploy status", args, env).outcome;
    expect(code).to.equal(1);
    expect(stderr.trimEnd()).to.match(SENTENCE);
  });
});
