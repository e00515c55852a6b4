import { readFile } from "node:fs/promises";
import path from "node:path";

import { readParameters } from "@turingfog/operator";
import { type Addresses, type SystemContracts, TuringFog } from "@turingfog/sdk/ethers";
import { JsonRpcProvider, JsonRpcSigner } from "ethers";

import { IndexProcess } from "../../life/indexProcess";
import { Life } from "../../life/process";

/** A life's chain, and an index that follows it. */
export class World {
  /** The parameters of the life's deployment, which name those who have a role. */
  readonly params = readParameters(path.join(__dirname, "../../../deploy/parameters/local.json5"));

  private constructor(
    readonly life: Life,
    readonly index: IndexProcess,
    readonly book: Addresses,
    readonly provider: JsonRpcProvider,
    readonly contracts: SystemContracts,
  ) {}

  static async start(): Promise<World> {
    const life = await Life.start();
    const book = JSON.parse(await readFile(life.book, "utf8")) as Addresses;
    const provider = new JsonRpcProvider(life.url, book.chainId, { staticNetwork: true, cacheTimeout: -1 });
    const { contracts } = await TuringFog.at(book, provider);
    return new World(life, await IndexProcess.start(life), book, provider, contracts);
  }

  /** Returns an account with plenty of TFT. */
  get treasury(): JsonRpcSigner {
    const [holder] = this.params.allocations.flatMap((each) => ("holder" in each ? [each.holder] : []));
    return this.signer(holder);
  }

  async stop(): Promise<void> {
    this.provider.destroy();
    await this.index.stop();
    await this.life.stop();
  }

  /** Returns an account of Hardhat's, which its node signs for. */
  signer(address: string): JsonRpcSigner {
    return new JsonRpcSigner(this.provider, address);
  }

  /** Resolves once the index has what the chain has. */
  async caughtUp(): Promise<number> {
    const head = await this.provider.getBlockNumber();
    await this.index.reaches(head);
    return head;
  }

  async mine(blocks: number): Promise<void> {
    await this.provider.send("hardhat_mine", [`0x${blocks.toString(16)}`]);
  }

  async increase(seconds: bigint): Promise<void> {
    await this.provider.send("evm_increaseTime", [Number(seconds)]);
    await this.mine(1);
  }
}
