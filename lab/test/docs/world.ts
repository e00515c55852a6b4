import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { encryptKeystoreJson, HDNodeWallet, parseEther, toBeHex } from "ethers";

import { FakeExplorer } from "../../../test/helpers/fakeExplorer";
import { OtherChain, type Outcome } from "../../../test/helpers/otherChain";
import { EXAMPLE_100 } from "../../../test/helpers/tuLogs";
import { ROOT } from "./pages";

const TWO_DAYS = 2 * 86_400;

const PASSPHRASE = "a passphrase of the tests";

/** Returns one of the accounts that every Hardhat node knows. */
export function account(index: number): HDNodeWallet {
  const phrase = "test test test test test test test test test test test junk";
  return HDNodeWallet.fromPhrase(phrase, undefined, `m/44'/60'/0'/0/${index}`);
}

/** What commands read of the checkout; what they write is in the folder alone. */
const CHECKOUT = ["contracts", "deploy", "hardhat.config.ts", "node_modules", "package.json", "tsconfig.json"].concat(
  "tsconfig.base.json",
);

/** The proposer and executor of deploy/parameters/local.json5. */
const GOVERNOR = account(1);

/** Its first signer, in a keystore of the world. */
const SIGNER = account(14);

/** What a line ended with. */
type Ended = Pick<Outcome, "code" | "stdout" | "stderr">;

/** What stands on the chain before the blocks of a section run. */
export type Given = "an empty chain" | "a deployment";

/** A folder in which the blocks of the pages run, a chain that every network of the pages stands for, and an explorer. */
export class World {
  private constructor(
    readonly folder: string,
    readonly chain: OtherChain,
    private readonly explorer: FakeExplorer,
  ) {}

  private snapshot: unknown = undefined;

  /** Of an operation that can be executed. */
  private operation = "";

  /** The private key that commands find in their environment. */
  private key: string | undefined = undefined;

  static async start(given: Given): Promise<World> {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-docs-"));
    for (const name of CHECKOUT) await symlink(path.join(ROOT, name), path.join(folder, name));
    await writeKeystore(path.join(folder, "signer.json"), SIGNER);
    const world = new World(folder, await OtherChain.start(), await FakeExplorer.start());
    await mkdir(path.join(folder, "deployments"));
    if (given === "a deployment") await world.deploy();
    await rename(path.join(folder, "deployments"), path.join(folder, "given"));
    world.snapshot = await world.chain.provider.send("evm_snapshot", []);
    return world;
  }

  async stop(): Promise<void> {
    await this.explorer.stop();
    await this.chain.stop();
    await rm(this.folder, { recursive: true });
  }

  /** Takes back what was done since the start. */
  async reset(): Promise<void> {
    const { provider } = this.chain;
    await provider.send("evm_revert", [this.snapshot]);
    this.snapshot = await provider.send("evm_snapshot", []);
    const deployments = path.join(this.folder, "deployments");
    await rm(deployments, { recursive: true, force: true });
    await cp(path.join(this.folder, "given"), deployments, { recursive: true });
  }

  /** Deploys, and schedules an operation that can be executed from now on. */
  private async deploy(): Promise<void> {
    await this.mustRun("turingfog deploy run --network localhost --parameters deploy/parameters/local.json5");
    this.key = GOVERNOR.privateKey;
    const schedule = "turingfog govern schedule set-operations --share 250 --network localhost --json";
    const { stdout } = await this.mustRun(schedule);
    this.operation = (JSON.parse(stdout) as { operation: { id: string } }).operation.id;
    await this.chain.provider.send("evm_increaseTime", [TWO_DAYS]);
    await this.chain.provider.send("evm_mine", []);
  }

  private async mustRun(line: string): Promise<Ended> {
    const outcome = await this.bash(line);
    if (outcome.code !== 0) throw new Error(`${line} ended with ${outcome.code}: ${outcome.stderr}`);
    return outcome;
  }

  /** Runs a line of a block with what its placeholders stand for. */
  async run(line: string): Promise<Ended> {
    const outcome = await this.bash(await this.bind(line));
    if (/keystore .*--out deployer\.json/.test(line)) await this.fund("deployer.json");
    return outcome;
  }

  /** Replaces the placeholders of the pages, all of them here, and what only packages or the Internet would answer. */
  async bind(text: string): Promise<string> {
    const bindings: [RegExp, string][] = [
      [/\b(sepolia|ethereum|NAME)\b(?!_)/g, "localhost"],
      [/\b(SEPOLIA|ETHEREUM)_RPC_URL\b/g, "LOCALHOST_RPC_URL"],
      [/RPC_URL=…/g, `RPC_URL=${this.chain.url}`],
      [/API_KEY=…/g, "API_KEY=key"],
      [/--keystore FILE\b/g, "--keystore signer.json"],
      [/\bFILE\b/g, "deploy/parameters/local.json5"],
      [/\bFOLDER\b/g, EXAMPLE_100],
      [/\bSIGNATURES\b/g, "signatures"],
      [/\bSAFE\b/g, account(9).address],
      [/--signers A,B,C,D,E,F,G/g, `--signers ${[10, 11, 12, 13, 14, 15, 16].map((i) => account(i).address).join()}`],
      [/--id ID\b/g, `--id ${this.operation}`],
      [/--asset TOKEN\b/g, "--asset TFT"],
      [/--asset ADDRESS\b/g, `--asset ${await this.addressOf("tft")}`],
      [/\bADDRESS\b|0x…/g, account(17).address],
      [/\[(--explorer)\]/g, "$1"],
      [/--explorer\b/g, `--explorer --explorer-api ${this.explorer.url}`],
      [/ \|\| echo .*/g, ""],
      [/npx turingfog/g, "turingfog"],
      // done before the tests
      [/npm run compile/g, ":"],
    ];
    return bindings.reduce((each, [from, to]) => each.replace(from, to), text);
  }

  private async addressOf(name: string): Promise<string> {
    const file = path.join(this.folder, "deployments/localhost.json");
    const text = await readFile(file, "utf8").catch(() => '{ "addresses": {} }');
    return (JSON.parse(text) as { addresses: Record<string, string> }).addresses[name] ?? "";
  }

  /** Gives a keystore's place to another one that is quick to open, and money to its account. */
  private async fund(keystore: string): Promise<void> {
    const deployer = account(0);
    await writeKeystore(path.join(this.folder, keystore), deployer);
    await this.chain.provider.send("hardhat_setBalance", [deployer.address, toBeHex(parseEther("10"))]);
  }

  /** Runs a command in the folder, with the packages' programs. */
  bash(command: string): Promise<Ended> {
    const env = {
      ...process.env,
      HARDHAT_NETWORK: undefined,
      PATH: `${path.join(ROOT, "node_modules/.bin")}:${process.env.PATH}`,
      LOCALHOST_RPC_URL: this.chain.url,
      TURINGFOG_PASSPHRASE: PASSPHRASE,
      TURINGFOG_PRIVATE_KEY: this.key,
      // the tests beside this one leave little time to a node
      TURINGFOG_RPC_TIMEOUT: "120",
    };
    return new Promise((resolve) => {
      const child = execFile("bash", ["--norc", "-c", command], { cwd: this.folder, env }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
      child.stdin?.end();
    });
  }
}

async function writeKeystore(file: string, { address, privateKey }: HDNodeWallet): Promise<void> {
  // a key that everyone knows: a hard scrypt would protect nothing
  await writeFile(file, await encryptKeystoreJson({ address, privateKey }, PASSPHRASE, { scrypt: { N: 1024 } }));
}
