import { createBlock } from "@ethereumjs/block";
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import { Caches, MerkleStateManager } from "@ethereumjs/statemanager";
import { createFeeMarket1559Tx, type FeeMarket1559Tx } from "@ethereumjs/tx";
import {
  createAccount,
  createAddressFromString,
  createBlockLevelAccessList,
  hexToBytes,
  type PrefixedHexString,
} from "@ethereumjs/util";
import { createVM, runTx, type VM } from "@ethereumjs/vm";

import type { RecordedStep, RecordedTransaction } from "./recording";

/** Rules under which transactions are replayed: those of Hardhat, and the next ones. */
export const RULES = ["osaka", "amsterdam"] as const;

export type Rules = (typeof RULES)[number];

/** Gas of each transaction. */
export type Replayed = ReadonlyMap<RecordedTransaction, bigint>;

/** Thrown when a transaction ends otherwise than it was recorded. */
export class ReplayDiffersError extends Error {}

const CHAIN_ID = 31_337;

/** Wei of each sender. Fees are zero in a replay, and no bench spends that much. */
const BALANCE = 10n ** 24n;

/** Gas of each transaction under Amsterdam's rules: what a transaction may take on Sepolia, whose blocks have as much. */
const AMSTERDAM_GAS_LIMIT = 200_000_000n;

/**
 * Replays recorded steps under both rules, each in an EVM of its own.
 * @param progress told what is being done
 * @throws ReplayDiffersError if a transaction fails that succeeded, or the reverse, or takes other gas under Osaka
 */
export async function replayAll(
  steps: readonly RecordedStep[],
  progress: (what: string) => void,
): Promise<Record<Rules, Replayed>> {
  const replays = {} as Record<Rules, Replayed>;
  const count = steps.filter(({ kind }) => kind === "transaction").length;
  for (const rules of RULES) {
    progress(`replaying ${count} transactions under ${rules}`);
    replays[rules] = await replay(steps, rules);
  }
  return replays;
}

/** Replays recorded steps under one set of rules. See `replayAll`. */
export async function replay(steps: readonly RecordedStep[], rules: Rules): Promise<Replayed> {
  const common = createCustomCommon({ chainId: CHAIN_ID }, Mainnet, { hardfork: HARDFORKS[rules] });
  const trie = new MerklePatriciaTrie({ useKeyHashing: true, common });
  // without a cache, each access of a slot walks the trie
  const stateManager = new MerkleStateManager({ trie, common, caches: new Caches() });
  const vm = await createVM({ common, stateManager });
  // never committed, so that no state is written to the trie
  await stateManager.checkpoint();
  await fund(vm, steps);

  const gasUsed = new Map<RecordedTransaction, bigint>();
  const snapshots: string[] = [];
  for (const step of steps) {
    if (step.kind === "transaction") gasUsed.set(step, await replayTransaction(vm, step, rules));
    else if (step.kind === "snapshot") {
      await stateManager.checkpoint();
      snapshots.push(step.id);
    } else if (step.kind === "revert") await revertTo(stateManager, snapshots, step.id);
    else await change(vm, step);
  }
  return gasUsed;
}

/** @throws Error if the transaction is not among those that were replayed */
export function gasOf(replayed: Replayed, transaction: RecordedTransaction): bigint {
  const gas = replayed.get(transaction);
  if (gas === undefined) throw new Error(`${transaction.name} was not replayed`);
  return gas;
}

const HARDFORKS: Record<Rules, Hardfork> = { osaka: Hardfork.Osaka, amsterdam: Hardfork.Amsterdam };

async function fund({ stateManager }: VM, steps: readonly RecordedStep[]): Promise<void> {
  const senders = new Set(steps.flatMap((step) => (step.kind === "transaction" ? [step.from] : [])));
  for (const sender of senders) {
    const account = createAccount({ nonce: 0n, balance: BALANCE });
    await stateManager.putAccount(createAddressFromString(sender), account);
  }
}

/** Returns to a snapshot, and forgets it and those after it, as Hardhat does. */
async function revertTo(stateManager: MerkleStateManager, snapshots: string[], id: string): Promise<void> {
  const index = snapshots.lastIndexOf(id);
  if (index === -1) {
    throw new ReplayDiffersError(`Snapshot ${id} cannot be reverted to: it is older than the recording, or gone`);
  }
  for (let left = snapshots.splice(index).length; left > 0; --left) await stateManager.revert();
}

async function change(
  { stateManager }: VM,
  { kind, address, value }: Extract<RecordedStep, { value: string }>,
): Promise<void> {
  const changed = createAddressFromString(address);
  if (kind === "setCode") return stateManager.putCode(changed, hexToBytes(value as PrefixedHexString));
  const account = (await stateManager.getAccount(changed)) ?? createAccount({});
  account.balance = BigInt(value);
  return stateManager.putAccount(changed, account);
}

async function replayTransaction(vm: VM, recorded: RecordedTransaction, rules: Rules): Promise<bigint> {
  const { common } = vm;
  // each transaction is a block of its own; left in place, the list would grow and be copied with each call
  if (rules === "amsterdam") vm.evm.blockLevelAccessList = createBlockLevelAccessList();
  const block = createBlock(
    { header: { number: recorded.block, timestamp: recorded.timestamp, gasLimit: 2n ** 40n, baseFeePerGas: 0n } },
    { common, skipConsensusFormatValidation: true },
  );
  const result = await runTx(vm, {
    tx: transactionOf(vm, recorded, rules),
    block,
    skipNonce: true,
    skipBalance: true,
    skipBlockGasLimitValidation: true,
    skipHardForkValidation: true,
  });

  const { name, succeeded } = recorded;
  const failure = result.execResult.exceptionError?.error;
  const gasUsed = result.totalGasSpent;
  if ((failure === undefined) !== succeeded) {
    const ended = failure === undefined ? "succeeded" : `failed: ${failure}`;
    throw new ReplayDiffersError(
      `${name} ${succeeded ? "succeeded" : "failed"}, and its replay under ${rules} ${ended}`,
    );
  }
  if (rules === "osaka" && gasUsed !== recorded.gasUsed) {
    throw new ReplayDiffersError(`${name} took ${recorded.gasUsed} gas, and its replay under osaka ${gasUsed}`);
  }
  return gasUsed;
}

/** Returns a transaction that needs no signature: the sender is the recorded one, also of a keyless transaction. */
function transactionOf({ common }: VM, recorded: RecordedTransaction, rules: Rules): FeeMarket1559Tx {
  const { from, to, data, value, nonce, gasLimit, accessList, hash } = recorded;
  const unsigned = createFeeMarket1559Tx(
    {
      chainId: CHAIN_ID,
      nonce,
      to: to === null ? undefined : createAddressFromString(to),
      data: data as PrefixedHexString,
      value,
      gasLimit: rules === "osaka" ? gasLimit : AMSTERDAM_GAS_LIMIT,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      accessList: accessList as { address: PrefixedHexString; storageKeys: PrefixedHexString[] }[],
    },
    { common, freeze: false },
  );
  return Object.assign(unsigned, {
    getSenderAddress: () => createAddressFromString(from),
    isSigned: () => true,
    hash: () => hexToBytes(hash as PrefixedHexString),
  });
}
