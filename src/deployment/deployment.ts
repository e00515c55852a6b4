import { setTimeout as sleep } from "node:timers/promises";

import type { ContractRunner, Provider, TransactionReceipt } from "ethers";

import type {
  BuybackBurnController,
  ComputeEscrow,
  EmissionVault,
  Genesis,
  NodeRegistry,
  RewardPool,
  TFT,
  TimelockController,
  TUReceiptOracle,
  VestedAllocation,
} from "../../typechain-types";
// one by one: the index of all bindings takes seconds to load, and commands need few of them
import { BuybackBurnController__factory } from "../../typechain-types/factories/contracts/BuybackBurnController__factory";
import { ComputeEscrow__factory } from "../../typechain-types/factories/contracts/ComputeEscrow__factory";
import { EmissionVault__factory } from "../../typechain-types/factories/contracts/EmissionVault__factory";
import { Genesis__factory } from "../../typechain-types/factories/contracts/Genesis__factory";
import { NodeRegistry__factory } from "../../typechain-types/factories/contracts/NodeRegistry__factory";
import { RewardPool__factory } from "../../typechain-types/factories/contracts/RewardPool__factory";
import { TFT__factory } from "../../typechain-types/factories/contracts/TFT__factory";
import { TimelockController__factory } from "../../typechain-types/factories/@openzeppelin/contracts/governance/TimelockController__factory";
import { TUReceiptOracle__factory } from "../../typechain-types/factories/contracts/TUReceiptOracle__factory";
import { VestedAllocation__factory } from "../../typechain-types/factories/contracts/periphery/VestedAllocation__factory";
import { TuringFogError } from "../errors";
import type { Connection } from "./connection";
import { hasCreate2Deployer, KEYLESS_CREATION, NoCreate2DeployerError } from "./create2";
import { broadcast } from "./keySender";
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
    try {
      for (const [i, { name, address, call }] of plan.steps.entries()) {
        const submitted = await sender.submit([call], () => stepIsDone(provider, address, plan.steps[i - 1]));
        if (submitted.kind !== "sent") throw new NotSentError(call.description);
        const [receipt] = submitted.receipts;
        if (receipt !== undefined) receipts[name] = receipt;
      }
      await passBlocks(connection, network.confirmations);
      if ((await missingSteps(plan, provider)).length === 0) return receipts;
    } catch (error) {
      if (!(error instanceof ReorganisedError)) throw error;
    }
    say("A block was reorganised and took part of the deployment with it: going on with what is missing");
  }
}

/** A step that was done is not done any more. */
class ReorganisedError extends TuringFogError {
  constructor(step: string) {
    super(`${step} was reorganised away`);
  }
}

/** @throws ReorganisedError when the step before it, which it needs, is no longer done */
async function stepIsDone(provider: Provider, address: string, before: Step | undefined): Promise<boolean> {
  if (await hasCode(provider, address)) return true;
  if (before !== undefined && !(await hasCode(provider, before.address))) throw new ReorganisedError(before.name);
  return false;
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

/** How many times it is looked whether the deterministic deployer has come to stand. */
const LOOKS = 100;

/**
 * Has the deterministic deployer created on a network that is too young to have it, such as a local node.
 * @throws NoCreate2DeployerError
 */
export async function ensureCreate2Deployer({ provider, network }: Connection, sender: Sender): Promise<void> {
  if (await hasCreate2Deployer(provider)) return;

  const { sender: account, cost, transaction } = KEYLESS_CREATION;
  const pay: Call = { description: "Pay for the deterministic deployer", to: account, data: "0x", value: cost };
  const isPaid = async () => (await hasCreate2Deployer(provider)) || (await provider.getBalance(account)) >= cost;
  await sender.submit([pay], isPaid);

  await broadcast(provider, transaction);
  for (let look = 0; look < LOOKS; ++look) {
    if (await hasCreate2Deployer(provider)) return;
    await sleep(network.blockTime * 100);
  }
  throw new NoCreate2DeployerError(network.title);
}

async function hasCode(provider: Provider, address: string): Promise<boolean> {
  return (await provider.getCode(address)) !== "0x";
}

async function passBlocks({ provider, network }: Connection, count: number): Promise<void> {
  const last = (await provider.getBlockNumber()) + count;
  while ((await provider.getBlockNumber()) < last) await sleep(network.blockTime * 1_000);
}
