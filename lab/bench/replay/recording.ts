import type { EthereumProvider, RequestArguments } from "hardhat/types";

/** A transaction as Hardhat mined it, with all that its replay depends on. */
export interface RecordedTransaction {
  kind: "transaction";
  /** How errors call it: by its hash, until the bench that measures it gives it a name. */
  name: string;
  hash: string;
  from: string;
  to: string | null;
  data: string;
  value: bigint;
  nonce: bigint;
  gasLimit: bigint;
  accessList: { address: string; storageKeys: string[] }[];
  block: bigint;
  timestamp: bigint;
  gasUsed: bigint;
  succeeded: boolean;
}

/** A change of the chain's state that a replay repeats, in the order in which it was made. */
export type RecordedStep =
  | RecordedTransaction
  | { kind: "snapshot"; id: string }
  | { kind: "revert"; id: string }
  | { kind: "setCode" | "setBalance"; address: string; value: string };

/** Changes of state without a transaction that a replay can repeat, and those that it need not. */
const CHEATS: Record<string, "setCode" | "setBalance"> = {
  hardhat_setCode: "setCode",
  hardhat_setBalance: "setBalance",
};
const WITHOUT_EFFECT =
  /^(hardhat|evm|anvil)_(impersonate|stopImpersonating|setNext|setAutomine|setIntervalMining|metadata)/;
const CHEAT = /^(hardhat|anvil)_(set|reset)/;

/** Thrown when a change of state cannot be replayed. */
export class NotReplayableError extends Error {
  constructor(readonly method: string) {
    super(`${method} cannot be replayed: record it in lab/bench/replay, or leave it out`);
  }
}

/**
 * Records every transaction, snapshot and change of state that goes through Hardhat's provider from now on. The chain
 * must have no transaction yet, because a replay starts from an empty state.
 */
export function startRecording(provider: EthereumProvider): RecordedStep[] {
  const steps: RecordedStep[] = [];
  const request = provider.request.bind(provider);
  const recorded = async (args: RequestArguments): Promise<unknown> => {
    const { method } = args;
    const params = (args.params ?? []) as string[];
    const answer = await request(args);
    if (method === "eth_sendTransaction" || method === "eth_sendRawTransaction") {
      steps.push(await transaction(request, answer as string));
    } else if (method === "evm_snapshot") steps.push({ kind: "snapshot", id: answer as string });
    else if (method === "evm_revert") steps.push({ kind: "revert", id: params[0] });
    else if (method in CHEATS) steps.push({ kind: CHEATS[method], address: params[0], value: params[1] });
    else if (CHEAT.test(method) && !WITHOUT_EFFECT.test(method)) throw new NotReplayableError(method);
    return answer;
  };
  provider.request = recorded;
  provider.send = (method, params) => recorded({ method, params });
  return steps;
}

/**
 * Returns the last transaction of that hash, because one that is sent again after a revert has the hash that it had.
 * @throws Error if there is none
 */
export function recordedAs(steps: readonly RecordedStep[], hash: string): RecordedTransaction {
  const recorded = steps.filter((step): step is RecordedTransaction => step.kind === "transaction");
  const last = recorded.filter((step) => step.hash === hash).at(-1);
  if (last === undefined) throw new Error(`Transaction ${hash} is not among the ${recorded.length} recorded ones`);
  return last;
}

type Fields = Record<string, string>;

async function transaction(request: EthereumProvider["request"], hash: string): Promise<RecordedTransaction> {
  const ask = (method: string, ...params: unknown[]) => request({ method, params }) as Promise<Fields>;
  const [receipt, sent] = [await ask("eth_getTransactionReceipt", hash), await ask("eth_getTransactionByHash", hash)];
  const block = await ask("eth_getBlockByNumber", receipt.blockNumber, false);
  return {
    kind: "transaction",
    name: `Transaction ${hash}`,
    hash,
    from: sent.from,
    to: sent.to,
    data: sent.input,
    value: BigInt(sent.value),
    nonce: BigInt(sent.nonce),
    gasLimit: BigInt(sent.gas),
    accessList: (sent.accessList ?? []) as unknown as RecordedTransaction["accessList"],
    block: BigInt(block.number),
    timestamp: BigInt(block.timestamp),
    gasUsed: BigInt(receipt.gasUsed),
    succeeded: receipt.status === "0x1",
  };
}
