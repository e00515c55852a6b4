import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { encryptKeystoreJson, parseEther, toBeHex, Wallet } from "ethers";

import { ends, main, newCommand, type Output, outputOf, table } from "@turingfog/cli";
import { fillIn } from "../test/helpers/blanks";
import { Gate, OtherChain, CommandProcess, type Fate } from "../test/helpers/otherChain";

const MAINNET = "deploy/parameters/mainnet.json5";
const PASSPHRASE = "a rehearsal's passphrase";

/** Milliseconds between blocks: a second on the chain's own clock. */
const BLOCK_TIME = 200;

/** A command of the sequence, and what it should end with: null when it is to be killed. */
interface RehearsalStep {
  title: string;
  command: string;
  args: string[];
  code: number | null;
  /** Decides the fate of each of its transactions. */
  fateOf?: (count: number) => Fate;
}

interface Rehearsed {
  step: string;
  code: number | null;
  seconds: number;
}

/** A step did not end as it should; what it said is told as it is. */
class StepFailedError extends Error {
  constructor({ title, code }: RehearsalStep, found: number | null, said: string) {
    super(`"${title}" ended with ${found ?? "a kill"}, should end with ${code ?? "a kill"}:\n${said}`);
  }
}

/** The files of a rehearsal. */
interface Files {
  parameters: string;
  keystore: string;
  deployments: string;
  acceptance: string;
}

function sequence({ parameters, keystore, deployments, acceptance }: Files): RehearsalStep[] {
  const network = ["--network", "localhost"];
  const what = [...network, "--parameters", parameters];
  const deploy = [...what, "--keystore", keystore, "--deployments", deployments];
  const deployed = [...what, "--deployments", deployments];
  const killedAt = (last: number, fate: Fate) => (count: number) => (count === last ? fate : "pass");
  return [
    { title: "plan", command: "deploy plan", args: [...what, "--keystore", keystore], code: 0 },
    { title: "dry run", command: "deploy run", args: [...deploy, "--dry-run"], code: 0 },
    {
      title: "deploy, killed before its fourth transaction reaches the node",
      command: "deploy run",
      args: deploy,
      code: null,
      fateOf: killedAt(4, "lose"),
    },
    { title: "status, of a part", command: "deploy status", args: deployed, code: 1 },
    {
      title: "deploy, killed once the TFT's creation has reached the node",
      command: "deploy run",
      args: deploy,
      code: null,
      // what is left: renderer, two vesting wallets and Genesis, then its seven contracts, the TFT as the sixth
      fateOf: killedAt(10, "swallow"),
    },
    { title: "deploy, to its end", command: "deploy run", args: deploy, code: 0 },
    { title: "status", command: "deploy status", args: deployed, code: 0 },
    { title: "verify", command: "deploy verify", args: deployed, code: 0 },
    { title: "accept", command: "deploy accept", args: [...deployed, "--report", acceptance], code: 0 },
  ];
}

async function run(values: { parameters: string; out: string }, output: Output): Promise<number> {
  const directory = path.resolve(values.out);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const files: Files = {
    parameters: path.join(directory, "parameters.json5"),
    keystore: path.join(directory, "keystore.json"),
    deployments: path.join(directory, "deployments"),
    acceptance: path.join(directory, "acceptance"),
  };

  output.say("Starting a node");
  const chain = await OtherChain.start();
  try {
    const assets = await writeParameters(values.parameters, files.parameters);
    await prepare(chain, files.keystore, assets);
    const rehearsed: Rehearsed[] = [];
    for (const step of sequence(files)) {
      const done = await rehearse(chain, step);
      output.say(`${String(done.seconds).padStart(4)} s  ${step.title}`);
      rehearsed.push(done);
    }
    const result = { steps: rehearsed, report: `${files.acceptance}.md`, addressBook: files.deployments };
    const rows = rehearsed.map(({ step, code, seconds }) => [
      step,
      code === null ? "killed" : `${code}`,
      `${seconds} s`,
    ]);
    output.result(result, `${table(rows)}\nEvery step ended as it should. The report is in ${files.acceptance}.md`);
    return 0;
  } finally {
    await chain.stop();
  }
}

/** Writes the parameters with test accounts in their blanks, and resolves to the assets that they name. */
async function writeParameters(from: string, to: string): Promise<string[]> {
  await writeFile(to, fillIn(await readFile(from, "utf8")));
  const { readParameters } = await import("@turingfog/operator");
  return readParameters(to).assets.map(({ address }) => address);
}

/** A deployer with money and a keystore, tokens where the parameters name assets, and blocks of their own pace. */
async function prepare({ provider }: OtherChain, keystore: string, assets: string[]): Promise<void> {
  const { TestToken__factory } = await import("../typechain-types");
  const token = await new TestToken__factory(await provider.getSigner()).deploy("Test Dollar", "USD", 6);
  const code = await provider.getCode(await (await token.waitForDeployment()).getAddress());
  for (const asset of assets) await provider.send("hardhat_setCode", [asset, code]);

  const deployer = Wallet.createRandom();
  await provider.send("hardhat_setBalance", [deployer.address, toBeHex(parseEther("10"))]);
  // a test key: its passphrase stands above, so a hard scrypt would protect nothing
  const { address, privateKey } = deployer;
  await writeFile(keystore, await encryptKeystoreJson({ address, privateKey }, PASSPHRASE, { scrypt: { N: 1024 } }));
  await provider.send("evm_setAutomine", [false]);
  await provider.send("evm_setIntervalMining", [BLOCK_TIME]);
}

async function rehearse(chain: OtherChain, step: RehearsalStep): Promise<Rehearsed> {
  const start = Date.now();
  const running: CommandProcess[] = [];
  const gate = await Gate.open(chain.url, (count) => {
    const fate = step.fateOf?.(count) ?? "pass";
    if (fate !== "pass") running[0].kill();
    return fate;
  });
  try {
    const env = { LOCALHOST_RPC_URL: gate.url, TURINGFOG_PASSPHRASE: PASSPHRASE };
    running.push(CommandProcess.start(step.command, step.args, env));
    const { code, stdout, stderr } = await running[0].outcome;
    if (code !== step.code) throw new StepFailedError(step, code, stdout + stderr);
    return { step: step.title, code, seconds: Math.round((Date.now() - start) / 1_000) };
  } finally {
    await gate.close();
  }
}

main(
  newCommand({
    description: `Rehearses a deployment to mainnet on a local node in a process of its own: every command, and two crashes between.

Plans, deploys, is killed before a transaction reaches the node, goes on, is killed after the last but one has reached it,
goes on, and proves what stands. Ends with 0 when every step ends as it should, with the acceptance report in DIR/acceptance.md.`,
    examples: ["npm run rehearse"],
  })
    .name("npm run rehearse --")
    .option("--parameters <FILE>", "what to deploy; its blanks are filled in with test accounts", MAINNET)
    .option(
      "--out <DIR>",
      "where the filled-in parameters, the keystore, the address book and the reports are written; emptied before",
      "rehearsal-out",
    )
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
