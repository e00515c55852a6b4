import { TuringFogError } from "@turingfog/sdk";
import { type Addresses, CONTRACTS, type SystemKey } from "@turingfog/sdk/ethers";
import { type Address, createPublicClient, getAddress, http, type PublicClient } from "viem";

/** Calls that are sent to the node in one request. */
const BATCH = 100;

/** Thrown when a node does not give what an audit reads. The message never contains its URL. */
export class NodeReadError extends TuringFogError {
  constructor(
    readonly what: string,
    readonly problem: string,
  ) {
    super(`The node does not give ${what}: ${problem}`);
  }
}

/** A bucket as the contracts have it. */
export interface ChainBucket {
  weight: bigint;
  reward: bigint;
  isFinal: boolean;
  /** Sold, burned or written off, of the asset. */
  gone: bigint;
}

/** The contracts' figures at one block. */
export class ChainState {
  private readonly client: PublicClient;

  /** @param node URL of a node that has the state of the block */
  constructor(
    node: string,
    private readonly book: Addresses,
    readonly block: bigint,
  ) {
    this.client = createPublicClient({ transport: http(node, { batch: { batchSize: BATCH } }) });
  }

  /** Returns the hash of the block on the node's chain. */
  async blockHash(): Promise<string> {
    const { hash } = await this.told("the block of the index", this.client.getBlock({ blockNumber: this.block }));
    return hash ?? "";
  }

  async supply() {
    const [tft, vault] = [this.at("tft"), this.at("vault")];
    const [total, burned, released, operationsOwed] = await Promise.all([
      this.told("the total supply", this.client.readContract({ ...tft, functionName: "totalSupply" })),
      this.told("what was burned", this.client.readContract({ ...tft, functionName: "burned" })),
      this.told("what was released", this.client.readContract({ ...vault, functionName: "released" })),
      this.told("what operations are owed", this.client.readContract({ ...vault, functionName: "operationsOwed" })),
    ]);
    return { total, burned, released, operationsOwed };
  }

  /** Returns the TFT of one of the contracts. */
  balanceOf(key: SystemKey): Promise<bigint> {
    const args = [this.book.addresses[key] as Address] as const;
    const read = this.client.readContract({ ...this.at("tft"), functionName: "balanceOf", args });
    return this.told(`the balance of the ${key}`, read);
  }

  liabilities(asset: string): Promise<bigint> {
    const args = [getAddress(asset)] as const;
    const read = this.client.readContract({ ...this.at("escrow"), functionName: "liabilities", args });
    return this.told(`what the escrow owes of ${asset}`, read);
  }

  /** Returns the last round that can have weight. */
  openRound(asset: string): Promise<bigint> {
    const args = [getAddress(asset)] as const;
    const read = this.client.readContract({ ...this.at("pool"), functionName: "openRound", args });
    return this.told(`the open round of ${asset}`, read);
  }

  async bucket(id: bigint, round: bigint, asset: string): Promise<ChainBucket> {
    const read = this.client.readContract({ ...this.at("pool"), functionName: "bucket", args: [id] });
    const [weight, reward, isFinal] = await this.told(`bucket ${id}`, read);
    return { weight, reward, isFinal, gone: isFinal ? weight : await this.soldOf(round, asset) };
  }

  /** Returns what was sold of a round that is not final. */
  private async soldOf(round: bigint, asset: string): Promise<bigint> {
    if (asset === this.book.addresses.tft.toLowerCase()) return 0n;
    const args = [getAddress(asset)] as const;
    const read = this.client.readContract({ ...this.at("pool"), functionName: "closedRound", args });
    const [closed] = await this.told(`the closed round of ${asset}`, read);
    if (closed !== round) return 0n;
    const lot = this.client.readContract({ ...this.at("controller"), functionName: "lot", args });
    const { amount, remaining } = await this.told(`the lot of ${asset}`, lot);
    return amount - remaining;
  }

  weightOf(id: bigint, miner: string): Promise<bigint> {
    const args = [id, getAddress(miner)] as const;
    const read = this.client.readContract({ ...this.at("pool"), functionName: "weightOf", args });
    return this.told(`the weight of ${miner} in bucket ${id}`, read);
  }

  private at<const K extends SystemKey>(key: K) {
    const { abi } = CONTRACTS[key].factory as { abi: (typeof CONTRACTS)[K]["factory"]["abi"] };
    return { abi, address: this.book.addresses[key] as Address, blockNumber: this.block };
  }

  private async told<T>(what: string, read: Promise<T>): Promise<T> {
    try {
      return await read;
    } catch (error) {
      const { shortMessage, message } = error as { shortMessage?: string; message: string };
      throw new NodeReadError(`${what} at block ${this.block}`, shortMessage ?? message);
    }
  }
}
