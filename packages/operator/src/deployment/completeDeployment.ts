import { setTimeout as sleep } from "node:timers/promises";

import type { Provider, TransactionReceipt } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import type { Connection } from "../connection.js";
import {
  hasCreate2Deployer,
  KEYLESS_CREATION,
  KeylessCreationError,
  keylessProblem,
  NoCreate2DeployerError,
} from "./create2.js";
import { broadcast } from "../sending/keySender.js";
import type { Call, Sender } from "../sending/sender.js";
import { type DeploymentStep, type DeploymentPlan } from "./deploymentPlan.js";

/** Receipts of a deployment's transactions by the step's name: of those that this run sent or found in its journal. */
export type Receipts = Record<string, TransactionReceipt>;

/**
 * Thrown when a sender did not send a step. A sender that only writes calls to a file cannot carry them out in order.
 */
export class NotSentError extends TuringFogError {
  constructor(readonly step: string) {
    super(`"${step}" was not sent`);
  }
}

/**
 * Deploys the missing steps of a plan, and resolves once every step is done and confirmed.
 *
 * Only the chain decides which steps are done. A deployment may therefore be interrupted at any moment and run again,
 * by anyone. It leaves finished steps alone, waits for or replaces a transaction that is pending, and sends again what
 * a reorganisation removed. Until the last step is done there is no escrow, and so no order can be opened.
 * @throws NotSentError, KeylessCreationError, NoCreate2DeployerError, WrongCreate2DeployerError, and the errors of the
 * sender
 */
export async function completeDeployment(
  plan: DeploymentPlan,
  connection: Connection,
  sender: Sender,
  say: (line: string) => void = () => undefined,
): Promise<Receipts> {
  const { provider, chain } = connection;
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
      await passBlocks(connection, chain.confirmations);
      if ((await missingSteps(plan, provider)).length === 0) return receipts;
    } catch (error) {
      if (!(error instanceof ReorganisedError)) throw error;
    }
    say("A block was reorganised and part of the deployment removed: sending the missing part again");
  }
}

/** Thrown when a reorganisation undoes a step. */
class ReorganisedError extends TuringFogError {
  constructor(step: string) {
    super(`${step} was reorganised away`);
  }
}

/**
 * Checks whether a step is done.
 * @throws ReorganisedError if the step is not done and neither is the one before it, which it needs
 */
async function stepIsDone(provider: Provider, address: string, before: DeploymentStep | undefined): Promise<boolean> {
  if (await hasCode(provider, address)) return true;
  if (before !== undefined && !(await hasCode(provider, before.address))) throw new ReorganisedError(before.name);
  return false;
}

/** Returns the steps of a plan that are not done yet, in their order. */
export async function missingSteps(plan: DeploymentPlan, provider: Provider): Promise<DeploymentStep[]> {
  const standing = await Promise.all(plan.steps.map(({ address }) => hasCode(provider, address)));
  return plan.steps.filter((_, i) => !standing[i]);
}

/** Number of times that the code of the deterministic deployer is looked for after its creation was sent. */
const LOOKS = 100;

/**
 * Creates the deterministic deployer on a chain that is too young to have it, such as a local node.
 * @throws KeylessCreationError before it sends anything, NoCreate2DeployerError, WrongCreate2DeployerError, and the
 * errors of the sender
 */
export async function ensureCreate2Deployer({ provider, chain }: Connection, sender: Sender): Promise<void> {
  if (await hasCreate2Deployer(provider)) return;
  const problem = await keylessProblem(provider);
  if (problem !== undefined) throw new KeylessCreationError(problem);

  const { sender: account, cost, transaction } = KEYLESS_CREATION;
  const pay: Call = { description: "Pay for the deterministic deployer", to: account, data: "0x", value: cost };
  const isPaid = async () => (await hasCreate2Deployer(provider)) || (await provider.getBalance(account)) >= cost;
  await sender.submit([pay], isPaid);

  await broadcast(provider, transaction);
  for (let look = 0; look < LOOKS; ++look) {
    if (await hasCreate2Deployer(provider)) return;
    await sleep(chain.blockTime * 100);
  }
  throw new NoCreate2DeployerError(chain.title);
}

async function hasCode(provider: Provider, address: string): Promise<boolean> {
  return (await provider.getCode(address)) !== "0x";
}

async function passBlocks({ provider, chain }: Connection, count: number): Promise<void> {
  const last = (await provider.getBlockNumber()) + count;
  while ((await provider.getBlockNumber()) < last) await sleep(chain.blockTime * 1_000);
}
