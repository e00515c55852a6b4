import { PassThrough } from "node:stream";

import { checkConfirmable, confirm, NoAnswerError, NotConfirmedError, type Terminal, UsageError } from "@turingfog/cli";
import type { Connection } from "@turingfog/operator";
import { chainNamed } from "@turingfog/sdk";
import { expect } from "chai";

import { CommandProcess, OtherChain, TURINGFOG } from "../../../test/helpers/otherChain";
import { temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";

const SEPOLIA = 11_155_111;
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

function connection(name: string, chainId: number): Connection {
  return { name, chain: chainNamed(name), chainId: BigInt(chainId) } as Connection;
}

/** Returns a terminal on which a line was typed, or that is closed without one; or none, if nothing is given. */
function terminal(typed?: string): Terminal & { shown: () => string } {
  const input = Object.assign(new PassThrough(), { isTTY: typed !== undefined });
  const output = new PassThrough();
  if (typed !== undefined) input.end(typed);
  return { input, output, shown: () => String(output.read() ?? "") };
}

describe("confirm", () => {
  for (const typed of ["y\n", "YES\n", " yes \n"]) {
    it(`takes ${JSON.stringify(typed)} for a yes`, async () => {
      const shown = terminal(typed);
      await confirm(connection("sepolia", SEPOLIA), {}, "12 transactions", shown);
      expect(shown.shown()).to.contain("Send 12 transactions to Sepolia, chain 11155111? [y/N] ");
    });
  }

  for (const typed of ["n\n", "\n", "yess\n"]) {
    it(`takes ${JSON.stringify(typed)} for a no`, async () => {
      const refused = await thrownBy(confirm(connection("sepolia", SEPOLIA), {}, "this", terminal(typed)));
      expect(refused).to.be.instanceOf(NotConfirmedError).with.property("message", "Not confirmed: nothing was sent");
    });
  }

  it("takes a closed terminal for no answer", async () => {
    const refused = await thrownBy(confirm(connection("sepolia", SEPOLIA), {}, "this", terminal("")));
    expect(refused).to.be.instanceOf(NoAnswerError);
  });

  it("asks nothing with --yes", async () => {
    await confirm(connection("sepolia", SEPOLIA), { yes: true }, "this", terminal());
  });

  it("asks nothing on a local chain that is nowhere else, but on a fork of a public one", () => {
    for (const chainId of [31_337, 424_242]) checkConfirmable(connection("localhost", chainId), {}, terminal());
    checkConfirmable(connection("hardhat", 31_337), {}, terminal());
    expect(() => checkConfirmable(connection("localhost", SEPOLIA), {}, terminal())).to.throw(UsageError, /--yes$/);
  });
});

describe("the commands that send, on a public chain", () => {
  const made: { chain?: OtherChain } = {};
  const chain = () => made.chain as OtherChain;
  const env = () => ({ LOCALHOST_RPC_URL: chain().url });
  const args = () => [
    ...["--network", "localhost", "--parameters", "deploy/parameters/local.json5"],
    ...["--deployments", temporaryFolder()],
  ];
  const sent = () => chain().provider.getTransactionCount(DEPLOYER);

  before(async () => {
    made.chain = await OtherChain.start(SEPOLIA);
  });
  after(async () => made.chain?.stop());

  it("end with 2 and name --yes before anything is sent, where there is no terminal", async () => {
    const { code, stdout, stderr } = await CommandProcess.start("deploy run", args(), env()).outcome;
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    expect(stderr).to.match(/^There is no terminal to confirm on .*, and nothing was sent: .*give --yes\n$/);
    expect(await sent()).to.equal(0);
  });

  it("need no confirmation for a dry run", async () => {
    const { code, stderr } = await CommandProcess.start("deploy run", [...args(), "--dry-run"], env()).outcome;
    expect(code, stderr).to.equal(0);
    expect(await sent()).to.equal(0);
  });

  it("show what they do, ask, and send nothing when the answer is no", async () => {
    const line = [process.execPath, TURINGFOG, "deploy", "run", ...args()].join(" ");
    // the width keeps the question on one line
    const { code, stdout } = await CommandProcess.onTerminal(`stty cols 200; ${line}`, "n\n", env()).outcome;
    expect(code).to.equal(1);
    expect(stdout).to.match(/Transactions to send\r\n {2}Create timelock [^]*Send 12 transactions from 0xf39F\w+ to /);
    expect(stdout).to.contain("Not confirmed: nothing was sent");
    expect(await sent()).to.equal(0);
  });

  it("send with --yes", async () => {
    const deployments = temporaryFolder();
    const all = [...args(), "--deployments", deployments, "--yes", "--json"];
    const { code, stderr, stdout } = await CommandProcess.start("deploy run", all, env()).outcome;
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("Transactions to send\n  Create timelock ");
    expect(JSON.parse(stdout)).to.include({ chainId: SEPOLIA });
    const count = await sent();
    expect(count).to.be.above(10);

    // what nodes send is not sent unasked either
    for (const [command, ...more] of [
      ["node register", "--gpu", "V100", "--uri", "ipfs://document"],
      ["node list", "--node", "1", "--asset", DEPLOYER, "--price", "1", "--capacity", "1"],
      ["node claim"],
      ["node claim", "--every", "60"],
    ]) {
      const place = ["--network", "localhost", "--deployments", deployments];
      const refused = await CommandProcess.start(command, [...more, ...place], env()).outcome;
      expect(refused.code, `${command}: ${refused.stderr}`).to.equal(2);
      expect(refused.stderr).to.contain("and nothing was sent").and.contain("give --yes");
    }
    expect(await sent()).to.equal(count);
  });
});
