import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";

import type { AddressBook } from "@turingfog/operator";
import { Gate, OtherChain, CommandProcess, type Fate, type Outcome } from "../../../test/helpers/otherChain";

const PARAMETERS = "deploy/parameters/local.json5";

/** The first of the accounts that every Hardhat node knows. */
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

/** Of a whole deployment, in their order. */
const TRANSACTIONS = [
  "payment for the deterministic deployer",
  "creation of the deterministic deployer",
  "creation of the timelock",
  "creation of the renderer",
  "creation of the first vesting wallet",
  "creation of the second vesting wallet",
  "creation of Genesis",
  "creation of the vault",
  "creation of the oracle",
  "creation of the registry",
  "creation of the pool",
  "creation of the controller",
  "creation of the TFT",
  "creation of the escrow",
];

interface Ended {
  book: AddressBook;
  codes: string[];
  /** Transactions of the deployer that were mined. */
  nonce: number;
}

/** What stands in the end, without what depends on which block a transaction came into. */
async function ended(chain: OtherChain, directory: string): Promise<Ended> {
  const book = JSON.parse(await readFile(path.join(directory, "localhost.json"), "utf8")) as AddressBook;
  const codes = await Promise.all(Object.values(book.addresses).map((address) => chain.provider.getCode(address)));
  return { book, codes, nonce: await chain.provider.getTransactionCount(DEPLOYER) };
}

/** Runs the deployment in a process; the gate's decision may kill it, by its count of transactions. */
async function run(chain: OtherChain, directory: string, fateOf: (count: number) => Fate): Promise<Outcome> {
  const running: CommandProcess[] = [];
  const gate = await Gate.open(chain.url, (count) => {
    const fate = fateOf(count);
    if (fate !== "pass") running[0].kill();
    return fate;
  });
  const args = ["--network", "localhost", "--parameters", PARAMETERS, "--deployments", directory, "--json"];
  running.push(CommandProcess.start("deploy run", args, { LOCALHOST_RPC_URL: gate.url }));
  const outcome = await running[0].outcome;
  await gate.close();
  return outcome;
}

/** On a node as it was at first, with blocks of their own pace and a directory of its own. */
async function inFreshWorld<T>(chain: OtherChain, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), "turingfog-deploy-"));
  const snapshot: unknown = await chain.provider.send("evm_snapshot", []);
  try {
    return await use(directory);
  } finally {
    await chain.provider.send("evm_revert", [snapshot]);
    await rm(directory, { recursive: true });
  }
}

describe("a deployment that is killed", () => {
  const world: { chain?: OtherChain; undisturbed?: Ended } = {};

  before(async () => {
    const chain = await OtherChain.start();
    world.chain = chain;
    await chain.provider.send("evm_setAutomine", [false]);
    await chain.provider.send("evm_setIntervalMining", [200]);
    world.undisturbed = await inFreshWorld(chain, async (directory) => {
      const { code, stderr } = await run(chain, directory, () => "pass");
      expect(code, stderr).to.equal(0);
      return ended(chain, directory);
    });
  });

  after(async () => world.chain?.stop());

  it("ends as one that was left alone, killed before and after each of its transactions reaches the node", async () => {
    const [chain, undisturbed] = [the(world.chain), the(world.undisturbed)];
    await inFreshWorld(chain, async (directory) => {
      for (const transaction of TRANSACTIONS) {
        const before = await run(chain, directory, () => "lose");
        const after = await run(chain, directory, () => "swallow");
        expect([before.code, after.code], `${transaction}: ${before.stderr}${after.stderr}`).to.deep.equal([
          null,
          null,
        ]);
      }
      let left = 0;
      const { code, stderr } = await run(chain, directory, (count) => {
        left = count;
        return "pass";
      });
      expect([code, left], stderr).to.deep.equal([0, 0]);

      const { book, codes, nonce } = await ended(chain, directory);
      expect(codes).to.deep.equal(undisturbed.codes);
      expect(nonce).to.equal(undisturbed.nonce);
      expect(book.addresses).to.deep.equal(undisturbed.book.addresses);
      expect(Object.keys(book.transactions)).to.deep.equal(Object.keys(undisturbed.book.transactions));
      for (const [name, { constructorArguments, runtimeCodeHash }] of Object.entries(book.contracts)) {
        expect(undisturbed.book.contracts[name]).to.include({ constructorArguments, runtimeCodeHash });
      }
      expect(await readdir(directory)).to.deep.equal(["localhost.json"]);
    });
  });
});

function the<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("The node was not started");
  return value;
}
