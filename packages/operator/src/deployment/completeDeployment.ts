import { setTimeout as sleep } from "node:timers/promises";

import type { Provider, TransactionReceipt } from "ethers";

// one by one: the index of all bindings takes seconds to load, and commands need few of them
import { TuringFogError } from "@turingfog/sdk";
import type { Connection } from "../connection.js";
import { hasCreate2Deployer, KEYLESS_CREATION, NoCreate2DeployerError } from "./create2.js";
import { broadcast } from "../sending/keySender.js";
import type { Call, Sender } from "../sending/sender.js";
import { type DeploymentStep, type DeploymentPlan } from "./deploymentPlan.js";

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
async function stepIsDone(provider: Provider, address: string, before: DeploymentStep | undefined): Promise<boolean> {
  if (await hasCode(provider, address)) return true;
  if (before !== undefined && !(await hasCode(provider, before.address))) throw new ReorganisedError(before.name);
  return false;
}

/** The steps of a plan that are still to be done, in their order. */
export async function missingSteps(plan: DeploymentPlan, provider: Provider): Promise<DeploymentStep[]> {
  const standing = await Promise.all(plan.steps.map(({ address }) => hasCode(provider, address)));
  return plan.steps.filter((_, i) => !standing[i]);
}

/** How many times it is looked whether the deterministic deployer has come to stand. */
const LOOKS = 100;

/**
 * Has the deterministic deployer created on a chain that is too young to have it, such as a local node.
 * @throws NoCreate2DeployerError
 */
export async function ensureCreate2Deployer({ provider, chain }: Connection, sender: Sender): Promise<void> {
  if (await hasCreate2Deployer(provider)) return;

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
