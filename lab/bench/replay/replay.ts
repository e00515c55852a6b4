import { createBlock } from "@ethereumjs/block";
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import { MerkleStateManager } from "@ethereumjs/statemanager";
import { createFeeMarket1559Tx, type FeeMarket1559Tx } from "@ethereumjs/tx";
import { createAccount, createAddressFromString, hexToBytes, type PrefixedHexString } from "@ethereumjs/util";
import { createVM, runTx, type VM } from "@ethereumjs/vm";

import type { RecordedStep, RecordedTransaction } from "./recording";

/** Rules under which transactions are replayed: those of Hardhat, and the next ones. */
export type Rules = "osaka" | "amsterdam";

/** A transaction as it went under other rules. */
export interface Replayed {
  hash: string;
  gasUsed: bigint;
  /** What the machine failed with; undefined if the transaction succeeded. */
  failure: string | undefined;
}

/** Thrown when a transaction ends otherwise than it was recorded. */
export class ReplayDiffersError extends Error {}

const CHAIN_ID = 31_337;

/** Wei of each sender. Fees are zero in a replay, and no bench spends that much. */
const BALANCE = 10n ** 24n;

/** Gas of each transaction under Amsterdam's rules: what a transaction may take on Sepolia, whose blocks have as much. */
const AMSTERDAM_GAS_LIMIT = 200_000_000n;

/**
 * Replays recorded steps in an EVM of its own and returns what each transaction took, by its hash.
 * @throws ReplayDiffersError if one fails that succeeded, or the reverse; under Osaka also if one takes other gas
 */
export async function replay(steps: readonly RecordedStep[], rules: Rules): Promise<Map<string, Replayed>> {
  const common = createCustomCommon({ chainId: CHAIN_ID }, Mainnet, { hardfork: HARDFORKS[rules] });
  const trie = new MerklePatriciaTrie({ useKeyHashing: true, common });
  const vm = await createVM({ common, stateManager: new MerkleStateManager({ trie, common }) });
  await fund(vm, steps);

  const replayed = new Map<string, Replayed>();
  const roots = new Map<string, Uint8Array>();
  for (const step of steps) {
    if (step.kind === "snapshot") roots.set(step.id, await vm.stateManager.getStateRoot());
    else if (step.kind === "revert") await vm.stateManager.setStateRoot(rootOf(roots, step.id));
    else if (step.kind === "transaction") replayed.set(step.hash, await replayTransaction(vm, step, rules));
    else await change(vm, step);
  }
  return replayed;
}

const HARDFORKS: Record<Rules, Hardfork> = { osaka: Hardfork.Osaka, amsterdam: Hardfork.Amsterdam };

async function fund(vm: VM, steps: readonly RecordedStep[]): Promise<void> {
  const senders = new Set(steps.flatMap((step) => (step.kind === "transaction" ? [step.from] : [])));
  await committed(vm, async () => {
    for (const sender of senders) {
      const account = createAccount({ nonce: 0n, balance: BALANCE });
      await vm.stateManager.putAccount(createAddressFromString(sender), account);
    }
  });
}

function rootOf(roots: ReadonlyMap<string, Uint8Array>, id: string): Uint8Array {
  const root = roots.get(id);
  if (root === undefined) throw new ReplayDiffersError(`Snapshot ${id} was taken before the recording`);
  return root;
}

async function change(vm: VM, { kind, address, value }: Extract<RecordedStep, { value: string }>): Promise<void> {
  const changed = createAddressFromString(address);
  await committed(vm, async () => {
    if (kind === "setCode") return vm.stateManager.putCode(changed, hexToBytes(value as PrefixedHexString));
    const account = (await vm.stateManager.getAccount(changed)) ?? createAccount({});
    account.balance = BigInt(value);
    return vm.stateManager.putAccount(changed, account);
  });
}

async function committed(vm: VM, run: () => Promise<void>): Promise<void> {
  await vm.stateManager.checkpoint();
  await run();
  await vm.stateManager.commit();
}

async function replayTransaction(vm: VM, recorded: RecordedTransaction, rules: Rules): Promise<Replayed> {
  const { common } = vm;
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

  const { hash, succeeded } = recorded;
  const failure = result.execResult.exceptionError?.error;
  const gasUsed = result.totalGasSpent;
  if ((failure === undefined) !== succeeded) {
    throw new ReplayDiffersError(
      `${hash} ${succeeded ? "succeeded" : "failed"}, and under ${rules} ${failure ?? "succeeds"}`,
    );
  }
  if (rules === "osaka" && gasUsed !== recorded.gasUsed) {
    throw new ReplayDiffersError(`${hash} took ${recorded.gasUsed} gas, and its replay under osaka ${gasUsed}`);
  }
  return { hash, gasUsed, failure };
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
