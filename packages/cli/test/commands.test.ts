import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { DAY } from "@turingfog/sdk";
import { mined } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { concat, HDNodeWallet, id, JsonRpcSigner, parseEther, toQuantity } from "ethers";

import type { AddressBook } from "@turingfog/operator";
import { TimelockController__factory, TUReceiptOracle__factory } from "../../../typechain-types";
import { FakeExplorer } from "../../../test/helpers/fakeExplorer";
import { OtherChain, CommandProcess, type Outcome } from "../../../test/helpers/otherChain";

const PARAMETERS = "deploy/parameters/local.json5";
const MNEMONIC = "test test test test test test test test test test test junk";
const TWO_DAYS = Number(2n * DAY);

const account = (index: number) => HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`);
const ADMIN = account(1);
const GUARDIAN = account(2);
const NEW_GUARDIAN = account(16).address;

/** A deployment on a node in a process of its own, and where its address book is. */
class World {
  private constructor(
    readonly chain: OtherChain,
    readonly directory: string,
    readonly book: AddressBook,
  ) {}

  static async create(): Promise<World> {
    const chain = await OtherChain.start();
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-commands-"));
    const args = ["--network", "localhost", "--parameters", PARAMETERS, "--deployments", directory, "--json"];
    const { code, stderr } = await CommandProcess.start("deploy run", args, { LOCALHOST_RPC_URL: chain.url }).outcome;
    expect(code, stderr).to.equal(0);
    expect(stderr).not.to.contain("Nothing was sent");
    const book = JSON.parse(await readFile(path.join(directory, "localhost.json"), "utf8")) as AddressBook;
    return new World(chain, directory, book);
  }

  async end(): Promise<void> {
    await this.chain.stop();
    await rm(this.directory, { recursive: true });
  }

  /** Runs a command on the deployment, for whoever has the key. */
  run(command: string, args: string[], key?: HDNodeWallet): Promise<Outcome> {
    const env = { LOCALHOST_RPC_URL: this.chain.url, ...(key && { TURINGFOG_PRIVATE_KEY: key.privateKey }) };
    const all = [...args, "--network", "localhost", "--deployments", this.directory];
    return CommandProcess.start(command, all, env).outcome;
  }

  /** The same, with its JSON; it must succeed. */
  async json<T>(command: string, args: string[], key?: HDNodeWallet): Promise<T> {
    const { code, stdout, stderr } = await this.run(command, [...args, "--json"], key);
    expect(code, stderr + stdout).to.equal(0);
    return JSON.parse(stdout) as T;
  }

  async pass(seconds: number): Promise<void> {
    await this.chain.provider.send("evm_increaseTime", [seconds]);
    await this.chain.provider.send("evm_mine", []);
  }

  /** As it was before, after whatever is done. */
  async unchangedBy(use: () => Promise<void>): Promise<void> {
    const snapshot: unknown = await this.chain.provider.send("evm_snapshot", []);
    try {
      await use();
    } finally {
      await this.chain.provider.send("evm_revert", [snapshot]);
    }
  }

  get oracle() {
    return TUReceiptOracle__factory.connect(this.book.addresses.oracle, this.chain.provider);
  }

  get timelock() {
    return TimelockController__factory.connect(this.book.addresses.timelock, this.chain.provider);
  }
}

/** A text as a pattern that matches it. */
function escaped(text: string): string {
  return text.replace(/[()]/g, "\\$&");
}

interface Reported {
  passed: boolean;
  checks: { section: string; what: string; passed: boolean }[];
}

interface Scheduled {
  changes: { what: string; from: string; to: string }[];
  operation: { id: string; to: string; data: string };
  outcome: { kind: string; transaction?: string; file?: string; gas?: string };
}

describe("the commands of a deployment", () => {
  const made: { world?: World } = {};
  const world = () => made.world as World;

  before(async () => {
    made.world = await World.create();
  });
  after(async () => made.world?.end());

  describe("plan", () => {
    it("tells plain accounts, delegated accounts and contracts apart", async () => {
      await world().unchangedBy(async () => {
        const { chain, book } = world();
        const target = book.addresses.timelock;
        await chain.provider.send("hardhat_setCode", [ADMIN.address, concat(["0xef0100", target])]);
        await chain.provider.send("hardhat_setCode", [GUARDIAN.address, "0x6001"]);
        const args = ["--network", "localhost", "--parameters", PARAMETERS];
        const { code, stdout, stderr } = await CommandProcess.start("deploy plan", args, {
          LOCALHOST_RPC_URL: chain.url,
        }).outcome;
        expect(code, stderr).to.equal(0);
        expect(stdout).to.match(/^Sender: 0x\w{40}, has [\d.]+ ETH$/m);
        const [, named] = stdout.split("Named in the parameters\n");
        const kindOf = (what: string) =>
          named
            .split("\n")
            .find((line) => line.includes(what))
            ?.split(/0x\w{40} +/)[1];
        expect(kindOf("governor.proposers[0]")).to.equal(`account delegated to ${target}`);
        expect(kindOf("guardian")).to.equal("contract of 2 bytes");
        expect(kindOf("signers[0]")).to.equal("plain account without code");
      });
    });
  });

  describe("run", () => {
    it("says that it sent nothing when everything stands, and sends nothing", async () => {
      const { chain, directory, book } = world();
      const sent = () => chain.provider.getTransactionCount(book.deployer as string);
      const before = await sent();
      const args = ["--parameters", PARAMETERS];
      const { code, stdout, stderr } = await world().run("deploy run", args);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/^Nothing was sent: every contract stands already\nTuringFog on localhost/);
      expect(await sent()).to.equal(before);

      const asJson = await world().run("deploy run", [...args, "--json"]);
      expect(asJson.stderr).to.equal("Nothing was sent: every contract stands already\n");
      expect(JSON.parse(asJson.stdout)).to.deep.equal(
        JSON.parse(await readFile(path.join(directory, "localhost.json"), "utf8")),
      );
    });
  });

  describe("verify, accept", () => {
    const args = ["--parameters", PARAMETERS];

    it("verify compares code and roles, and has an explorer verify every contract", async () => {
      const explorer = await FakeExplorer.start();
      const { url, submissions } = explorer;
      const report = await world().json<Reported>("deploy verify", [...args, "--explorer-api", url]);
      await explorer.stop();
      expect([...new Set(report.checks.map(({ section }) => section))]).to.deep.equal([
        "Code",
        "Immutables",
        "Roles",
        "Explorer",
      ]);
      const { addresses } = world().book;
      expect(submissions.map(({ address }) => address)).to.have.members(Object.values(addresses));
    });

    it("accept writes its report, and ends with 0", async () => {
      const file = path.join(world().directory, "acceptance");
      const { code, stdout, stderr } = await world().run("deploy accept", [...args, "--report", file]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/All \d+ checks passed\.\n$/);
      const report = JSON.parse(await readFile(`${file}.json`, "utf8")) as Reported;
      expect(report.passed).to.equal(true);
      const markdown = await readFile(`${file}.md`, "utf8");
      expect(markdown).to.match(/^# Acceptance of TuringFog\n/);
      for (const { what } of report.checks) expect(markdown).to.contain(`| ok | ${what} |`);
    });

    it("accept ends with 1 when the deployer has a role, and says which", async () => {
      await world().unchangedBy(async () => {
        const { book, timelock, chain } = world();
        await chain.provider.send("hardhat_impersonateAccount", [book.addresses.timelock]);
        await chain.provider.send("hardhat_setBalance", [book.addresses.timelock, toQuantity(parseEther("1"))]);
        const self = new JsonRpcSigner(chain.provider, book.addresses.timelock);
        await timelock.connect(self).grantRole(id("PROPOSER_ROLE"), book.deployer as string);

        const { code, stdout } = await world().run("deploy accept", args);
        expect(code).to.equal(1);
        expect(stdout).to.contain(`Deployer: ${book.deployer} is timelock proposer\n    is      yes\n    must be no`);
        expect(stdout).to.match(/\n2 of \d+ checks FAILED\.\n$/);
      });
    });
  });

  describe("govern", () => {
    it("builds, schedules, lists and executes, with the delay in between", async () => {
      await world().unchangedBy(async () => {
        const replace = ["replace-guardian", "--guardian", NEW_GUARDIAN];
        const built = await world().json<Scheduled>("govern", ["build", ...replace]);
        expect(built.changes).to.deep.equal([{ what: "guardian", from: GUARDIAN.address, to: NEW_GUARDIAN }]);
        const { id: operation } = built.operation;

        const scheduled = await world().json<Scheduled>("govern", ["schedule", ...replace], ADMIN);
        expect(scheduled.operation).to.deep.equal(built.operation);
        expect(scheduled.outcome.kind).to.equal("sent");

        await world().pass(TWO_DAYS);
        const { stdout } = await world().run("govern", ["list"]);
        expect(stdout).to.match(new RegExp(`^${operation}  Ready, ready .*: replace-guardian\n`));
        expect(stdout).to.contain(`  guardian\n    - ${GUARDIAN.address}\n    + ${NEW_GUARDIAN}\n`);

        await world().json("govern", ["execute", "--id", operation], ADMIN);
        expect(await world().oracle.guardian()).to.equal(NEW_GUARDIAN);
      });
    });

    it("writes a batch for a Safe, and cancels what its owners sent", async () => {
      await world().unchangedBy(async () => {
        const { timelock, directory, chain } = world();
        const file = path.join(directory, "batch.json");
        const share = ["schedule", "set-operations", "--share", "250", "--safe", file];
        const { operation, changes, outcome } = await world().json<Scheduled>("govern", share);
        expect(outcome).to.deep.equal({ kind: "batch", file });
        expect(changes).to.deep.include({ what: "operations share of each release", from: "10.0 %", to: "2.5 %" });
        expect(await timelock.isOperation(operation.id)).to.equal(false);

        const batch = JSON.parse(await readFile(file, "utf8")) as { transactions: { to: string; data: string }[] };
        const [{ to, data }] = batch.transactions;
        await mined(ADMIN.connect(chain.provider).sendTransaction({ to, data }));
        expect(await timelock.isOperationPending(operation.id)).to.equal(true);

        await world().json("govern", ["cancel", "--id", operation.id], ADMIN);
        expect(await timelock.isOperation(operation.id)).to.equal(false);
      });
    });

    it("refuses a key without the role before anything is sent, and names who has it", async () => {
      await world().unchangedBy(async () => {
        const { chain } = world();
        const replace = ["replace-guardian", "--guardian", NEW_GUARDIAN];
        const { operation } = await world().json<Scheduled>("govern", ["schedule", ...replace], ADMIN);
        const refused = async (role: string, args: string[]) => {
          const { code, stderr } = await world().run("govern", args, GUARDIAN);
          expect(code).to.equal(1);
          const expected = `Expected the key of ${role} of the timelock (${ADMIN.address})`;
          expect(stderr).to.match(new RegExp(`^${escaped(expected)}, got that of ${GUARDIAN.address}: `));
        };
        const share = ["schedule", "set-operations", "--share", "250"];
        const sent = await chain.provider.getTransactionCount(GUARDIAN.address);
        for (const dry of [[], ["--dry-run"]]) await refused("a proposer", [...share, ...dry]);
        await refused("a canceller", ["cancel", "--id", operation.id]);
        await world().pass(TWO_DAYS);
        await refused("an executor", ["execute", "--id", operation.id]);
        expect(await chain.provider.getTransactionCount(GUARDIAN.address)).to.equal(sent);
      });
    });

    it("refuses before anything is sent an action that must fail", async () => {
      const signers = [10, 11, 12, 13].map((index) => account(index).address).join(",");
      const weak = ["rotate-signers", "--signers", signers, "--quorum", "2"];
      const failing = await world().run("govern", ["schedule", ...weak], ADMIN);
      expect(failing).to.deep.include({ code: 1, stderr: "Oracle_InvalidQuorum(2, 4)\n" });
    });
  });

  describe("guard", () => {
    it("says on a dry run what a freeze changes, and sends nothing", async () => {
      const { oracle } = world();
      const dry = await world().json<Scheduled>("guard", ["freeze", "--dry-run"], GUARDIAN);
      expect(dry.changes[0]).to.deep.include({ what: "frozen", from: "no" });
      expect(dry.outcome.kind).to.equal("dry");
      expect(Number(dry.outcome.gas)).to.be.above(21_000);
      expect(await oracle.frozenUntil()).to.equal(0);
    });

    it("freezes for the guardian, and for nobody else", async () => {
      await world().unchangedBy(async () => {
        const { code, stderr } = await world().run("guard", ["freeze"], ADMIN);
        expect(code).to.equal(1);
        const expected = `Expected the key of the guardian of the oracle (${GUARDIAN.address})`;
        expect(stderr).to.match(new RegExp(`^${escaped(expected)}, got that of ${ADMIN.address}: `));

        await world().json("guard", ["freeze"], GUARDIAN);
        expect(await world().oracle.frozenUntil()).to.be.above(0);
      });
    });

    for (const [args, message] of [
      [["revoke-node", "--node", "7"], "Registry_NothingToRevoke(7)"],
      [["veto-rating", "--gpu", "V100"], `Registry_RatingNotPending(${id("V100")})`],
    ] as const) {
      it(`tries ${args[0]} beforehand, and names what the registry refuses`, async () => {
        const outcome = await world().run("guard", [...args], GUARDIAN);
        expect(outcome).to.deep.include({ code: 1, stderr: `${message}\n` });
      });
    }

    for (const [args, message] of [
      [
        [],
        "A command is missing after turingfog guard: expected one of roots, veto, revoke-node, veto-rating, freeze, thaw; see ",
      ],
      [["frob"], "Unknown command 'frob': expected one of roots, veto, revoke-node, veto-rating, freeze, thaw; see "],
      [["veto"], "Required option '--root <ROOT>' not specified; see turingfog guard veto --help"],
      [["veto", "--root", "0x12"], "--root is 0x12, must be 32 bytes, as 0x and 64 hexadecimal digits"],
      [["revoke-node"], "Required option '--node <ID>' not specified; see turingfog guard revoke-node --help"],
      [["revoke-node", "--node", "x"], "--node is x, must be a node's id, a whole number"],
      [["veto-rating", "--gpu", "V100", "--node", "7"], "Unknown option '--node'"],
      [["freeze", "--root", "0x12"], "Unknown option '--root'"],
    ] as const) {
      it(`refuses ${args.join(" ") || "no action"}`, async () => {
        const { code, stderr } = await world().run("guard", [...args], GUARDIAN);
        expect(code).to.equal(2);
        expect(stderr).to.contain(message);
      });
    }
  });
});
