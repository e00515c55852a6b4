import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import type { AddressBook } from "@turingfog/operator";
import { expect } from "chai";
import { HDNodeWallet } from "ethers";

import {
  boundedTo,
  HABITS,
  type Habit,
  MisbehavingNode,
  nodeAt,
  prunedBefore,
  silentBefore,
} from "../../../test/helpers/misbehavingNode";
import { CommandProcess, OtherChain, type Outcome } from "../../../test/helpers/otherChain";

const PARAMETERS = "deploy/parameters/local.json5";
const MNEMONIC = "test test test test test test test test test test test junk";
const ADMIN = HDNodeWallet.fromPhrase(MNEMONIC, undefined, "m/44'/60'/0'/0/1");
const KEY = { TURINGFOG_PRIVATE_KEY: ADMIN.privateKey };
const NEW_GUARDIAN = HDNodeWallet.fromPhrase(MNEMONIC, undefined, "m/44'/60'/0'/0/16").address;

/** A deployment with an operation that waits, behind a node whose habits change. */
class World {
  private constructor(
    readonly chain: OtherChain,
    readonly node: MisbehavingNode,
    readonly directory: string,
    readonly book: AddressBook,
    readonly operation: string,
  ) {}

  static async create(): Promise<World> {
    const chain = await OtherChain.start();
    const node = await MisbehavingNode.start(nodeAt(chain.url));
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-logs-"));
    const run = async (command: string, args: string[], key: Record<string, string> = {}) => {
      const all = [...args, "--network", "localhost", "--deployments", directory, "--json"];
      const env = { LOCALHOST_RPC_URL: node.url, ...key };
      const { code, stdout, stderr } = await CommandProcess.start(command, all, env).outcome;
      expect(code, stderr).to.equal(0);
      return JSON.parse(stdout) as { operation: { id: string } };
    };
    await run("deploy run", ["--parameters", PARAMETERS]);
    const book = JSON.parse(await readFile(path.join(directory, "localhost.json"), "utf8")) as AddressBook;
    const { operation } = await run("govern", ["schedule", "replace-guardian", "--guardian", NEW_GUARDIAN], KEY);
    // some blocks in which nothing happens
    await chain.provider.send("hardhat_mine", ["0x40"]);
    return new World(chain, node, directory, book, operation.id);
  }

  async end(): Promise<void> {
    await this.node.stop();
    await this.chain.stop();
    await rm(this.directory, { recursive: true });
  }

  /** Runs a command by a node with a habit, as the proposer, and sends nothing. */
  async run(command: string, args: string[], habit: Habit): Promise<Outcome> {
    this.node.habit = habit;
    this.node.log.length = 0;
    const env = { LOCALHOST_RPC_URL: this.node.url, ...KEY };
    const all = [...args, "--network", "localhost", "--deployments", this.directory];
    return CommandProcess.start(command, all, env).outcome;
  }
}

/** Every command that reads logs. */
const COMMANDS: [command: string, args: (world: World) => string[]][] = [
  ["govern", () => ["list"]],
  ["govern", ({ operation }) => ["cancel", "--id", operation, "--dry-run"]],
  ["deploy verify", () => ["--parameters", PARAMETERS]],
  ["deploy accept", () => ["--parameters", PARAMETERS]],
];

describe("the commands that read logs", () => {
  const made: { world?: World } = {};
  const world = () => made.world as World;

  before(async () => {
    made.world = await World.create();
  });
  after(async () => made.world?.end());

  for (const [command, argsOf] of COMMANDS) {
    const name = [command, ...argsOf({ operation: "ID" } as World).slice(0, 1)].join(" ");
    describe(name, () => {
      it("reads what a node that bounds ranges gives in parts, from the deployment on", async () => {
        const args = argsOf(world());
        const whole = await world().run(command, args, HABITS.honest);
        expect(whole.code, whole.stderr).to.equal(0);
        const bounded = await world().run(command, args, boundedTo(8));
        expect(bounded).to.deep.include({ code: 0, stdout: whole.stdout });

        const { block } = world().book.contracts.timelock;
        expect(block).to.be.a("number");
        const ranges = world().node.logRanges;
        expect(ranges.length).to.be.above(8);
        expect(Math.min(...ranges.map(({ from }) => from))).to.equal(block);
      });

      it("ends with 1 if the node has pruned the logs and does not say so", async () => {
        const { block } = world().book;
        for (const habit of [HABITS.emptyLogs, silentBefore((block ?? 0) + 1)]) {
          const { code, stdout, stderr } = await world().run(command, argsOf(world()), habit);
          expect(code, stdout).to.equal(1);
          expect(stdout).to.equal("");
          expect(stderr).to.match(
            /^The node of localhost has pruned or not indexed logs of blocks \d+ to \d+, where \w+ of 0x\w{40} must be/,
          );
        }
      });

      it("ends with 1 if the node has pruned the logs and says so", async () => {
        const habit = prunedBefore((world().book.block ?? 0) + 1);
        const { code, stdout, stderr } = await world().run(command, argsOf(world()), habit);
        expect(code, stdout).to.equal(1);
        expect(stderr).to.contain("history has been pruned for this block");
      });

      it("ends with 1 on an emptied chain", async () => {
        const { code, stdout, stderr } = await world().run(command, argsOf(world()), HABITS.emptied);
        expect(code, stdout).to.equal(1);
        const { timelock } = world().book.addresses;
        expect(stdout + stderr).to.match(new RegExp(`The node of localhost has no contract at ${timelock}|no code`));
      });
    });
  }
});
