import { setTimeout as sleep } from "node:timers/promises";

import type { ContractRunner, Provider, TransactionReceipt } from "ethers";

import {
  BuybackBurnController__factory,
  ComputeEscrow__factory,
  EmissionVault__factory,
  Genesis__factory,
  NodeRegistry__factory,
  RewardPool__factory,
  TFT__factory,
  TimelockController__factory,
  TUReceiptOracle__factory,
  VestedAllocation__factory,
  type BuybackBurnController,
  type ComputeEscrow,
  type EmissionVault,
  type Genesis,
  type NodeRegistry,
  type RewardPool,
  type TFT,
  type TimelockController,
  type TUReceiptOracle,
  type VestedAllocation,
} from "../../typechain-types";
import { TuringFogError } from "../errors";
import type { Connection } from "./connection";
import { hasCreate2Deployer, KEYLESS_CREATION } from "./create2";
import type { DeploymentParameters } from "./parameters";
import { vestingId } from "./plan";
import type { Call, Sender } from "./sender";
import { type Step, type SystemPlan } from "./system";

/** The timelock, Genesis, and the seven contracts that it created. */
export interface SystemContracts {
  timelock: TimelockController;
  genesis: Genesis;
  tft: TFT;
  vault: EmissionVault;
  oracle: TUReceiptOracle;
  registry: NodeRegistry;
  pool: RewardPool;
  controller: BuybackBurnController;
  escrow: ComputeEscrow;
}

/** The receipts of a deployment's transactions, as far as it sent them itself or found them in its journal. */
export type Receipts = Record<string, TransactionReceipt>;

/** A sender that writes calls down cannot have them done in the order in which a deployment needs them. */
export class NotSentError extends TuringFogError {
  constructor(readonly step: string) {
    super(`"${step}" was not sent`);
  }
}

/**
 * Deploys what of a plan does not stand yet, and returns when all of it stands and has been confirmed.
 *
 * It asks the chain alone what stands. So it may be interrupted at any moment and run again, by anyone: what stands is
 * left alone, a transaction that waits is waited for or replaced, and what a reorganisation took away is sent again.
 * Until the last transaction there is no system, and that one creates all of it.
 */
export async function completeDeployment(
  plan: SystemPlan,
  connection: Connection,
  sender: Sender,
  say: (line: string) => void = () => undefined,
): Promise<Receipts> {
  const { provider, network } = connection;
  const receipts: Receipts = {};
  await ensureCreate2Deployer(connection, sender);

  for (;;) {
    for (const { name, address, call } of plan.steps) {
      const submitted = await sender.submit([call], () => hasCode(provider, address));
      if (submitted.kind !== "sent") throw new NotSentError(call.description);
      const [receipt] = submitted.receipts;
      if (receipt !== undefined) receipts[name] = receipt;
    }
    await passBlocks(connection, network.confirmations);
    if ((await missingSteps(plan, provider)).length === 0) return receipts;
    say("A block was reorganised and took part of the deployment with it: going on with what is missing");
  }
}

/** The steps of a plan that are still to be done, in their order. */
export async function missingSteps(plan: SystemPlan, provider: Provider): Promise<Step[]> {
  const standing = await Promise.all(plan.steps.map(({ address }) => hasCode(provider, address)));
  return plan.steps.filter((_, i) => !standing[i]);
}

/** The deployed contracts through a runner, and the vesting wallets by the name of their allocation. */
export function systemContracts(
  addresses: Record<string, string>,
  parameters: DeploymentParameters,
  runner: ContractRunner,
): { contracts: SystemContracts; vestings: Record<string, VestedAllocation> } {
  const vested = parameters.allocations.filter((allocation) => "vesting" in allocation);
  const vestings = vested.map(
    ({ name }) => [name, VestedAllocation__factory.connect(addresses[vestingId(name)], runner)] as const,
  );
  return {
    contracts: {
      timelock: TimelockController__factory.connect(addresses.timelock, runner),
      genesis: Genesis__factory.connect(addresses.genesis, runner),
      tft: TFT__factory.connect(addresses.tft, runner),
      vault: EmissionVault__factory.connect(addresses.vault, runner),
      oracle: TUReceiptOracle__factory.connect(addresses.oracle, runner),
      registry: NodeRegistry__factory.connect(addresses.registry, runner),
      pool: RewardPool__factory.connect(addresses.pool, runner),
      controller: BuybackBurnController__factory.connect(addresses.controller, runner),
      escrow: ComputeEscrow__factory.connect(addresses.escrow, runner),
    },
    vestings: Object.fromEntries(vestings),
  };
}

/** Has {@link CREATE2_DEPLOYER} created on a network that is too young to have it, such as a local node. */
export async function ensureCreate2Deployer({ provider }: Connection, sender: Sender): Promise<void> {
  if (await hasCreate2Deployer(provider)) return;

  const { sender: account, cost, transaction } = KEYLESS_CREATION;
  const pay: Call = { description: "Pay for the deterministic deployer", to: account, data: "0x", value: cost };
  await sender.submit([pay], async () => (await provider.getBalance(account)) >= cost);
  await (await provider.broadcastTransaction(transaction)).wait();
}

async function hasCode(provider: Provider, address: string): Promise<boolean> {
  return (await provider.getCode(address)) !== "0x";
}

async function passBlocks({ provider, network }: Connection, count: number): Promise<void> {
  const last = (await provider.getBlockNumber()) + count;
  while ((await provider.getBlockNumber()) < last) await sleep(network.blockTime * 1_000);
}
