import type { SystemContracts } from "@turingfog/sdk/ethers";
import {
  type Market,
  type OrderRecord,
  readMarket,
  readOrders,
  UniswapV3BuybackFiller__factory,
} from "@turingfog/sdk/ethers";
import type { Interface, JsonRpcProvider, Result } from "ethers";

/** An event of one of the system's contracts. */
export interface Told {
  contract: string;
  name: string;
  block: number;
  logIndex: number;
  transactionHash: string;
  /** Unix seconds. */
  time: bigint;
  args: Result;
}

/** All that a chain tells of a deployment until its last block, read without the index. */
export class History {
  private constructor(
    readonly contracts: SystemContracts,
    /** The last block, and its time. */
    readonly head: { number: number; time: bigint },
    readonly told: readonly Told[],
    readonly orders: readonly OrderRecord[],
    readonly market: Market,
    /** Files of receipts by their SHA-256. */
    readonly files: ReadonlyMap<string, Uint8Array>,
  ) {}

  static async read(
    contracts: SystemContracts,
    addresses: Readonly<Record<string, string>>,
    provider: JsonRpcProvider,
    since: number,
    files: ReadonlyMap<string, Uint8Array>,
  ): Promise<History> {
    const last = await provider.getBlock("latest");
    if (last === null) throw new Error("The chain has no block");
    const range = { provider, since, to: last.number };
    return new History(
      contracts,
      { number: last.number, time: BigInt(last.timestamp) },
      await readTold(contracts, addresses, provider, since),
      await readOrders(contracts, range),
      await readMarket(contracts, range),
      files,
    );
  }

  /** Returns the events of a name, in order. */
  named(name: string): Told[] {
    return this.told.filter((each) => each.name === name);
  }

  /** Returns the last event of a name that is as asked. */
  last(name: string, isAsked: (told: Told) => boolean): Told | undefined {
    return this.named(name).filter(isAsked).at(-1);
  }

  /** Returns the event that stands at a place of the chain. */
  at(block: number, logIndex: number): Told {
    const found = this.told.find((each) => each.block === block && each.logIndex === logIndex);
    if (found === undefined) throw new Error(`The chain has told nothing in log ${logIndex} of block ${block}`);
    return found;
  }

  /** Returns the orders' record of an id. */
  order(id: string): OrderRecord {
    const found = this.orders.find(({ orderId }) => orderId === BigInt(id));
    if (found === undefined) throw new Error(`The chain knows no order ${id}`);
    return found;
  }
}

/** Returns what the chain says of a subject at a time: a number in base units, or a word. */
export type Reading = (history: History, id: string, at: bigint) => Promise<bigint | string> | bigint | string;

async function readTold(
  contracts: SystemContracts,
  addresses: Readonly<Record<string, string>>,
  provider: JsonRpcProvider,
  since: number,
): Promise<Told[]> {
  const interfaces = new Map<string, [name: string, abi: Interface]>();
  for (const [name, contract] of Object.entries(contracts)) {
    interfaces.set((await contract.getAddress()).toLowerCase(), [name, contract.interface]);
  }
  if (addresses.filler !== undefined) {
    interfaces.set(addresses.filler.toLowerCase(), ["filler", UniswapV3BuybackFiller__factory.createInterface()]);
  }
  const logs = await provider.getLogs({ address: [...interfaces.keys()], fromBlock: since });
  const times = new Map<number, bigint>();
  for (const number of new Set(logs.map(({ blockNumber }) => blockNumber))) {
    times.set(number, BigInt((await provider.getBlock(number))?.timestamp ?? 0));
  }
  return logs.flatMap((log) => {
    const [contract, abi] = interfaces.get(log.address.toLowerCase()) ?? [];
    const parsed = abi?.parseLog(log);
    if (contract === undefined || !parsed) return [];
    const { blockNumber: block, index: logIndex, transactionHash } = log;
    return [
      {
        contract,
        name: parsed.name,
        block,
        logIndex,
        transactionHash,
        time: times.get(block) ?? 0n,
        args: parsed.args,
      },
    ];
  });
}
