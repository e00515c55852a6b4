import { setTimeout as sleep } from "node:timers/promises";

import type { Provider, TransactionReceipt } from "ethers";

import { type Finality, formatDuration, TuringFogError } from "@turingfog/sdk";
import type { Connection } from "../connection.js";
import {
  hasCreate2Deployer,
  KEYLESS_CREATION,
  KeylessCreationError,
  keylessProblem,
  NoCreate2DeployerError,
} from "./create2.js";
import { NodeRefusalError } from "../node.js";
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
 * Deploys the missing steps of a plan, and resolves once every step is done and final.
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
  const { provider } = connection;
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
      await awaitFinality(plan, connection, say);
      return receipts;
    } catch (error) {
      if (!(error instanceof ReorganisedError)) throw error;
    }
    say("A block was reorganised and part of the deployment removed: sending the missing part again");
  }
}

/** Thrown when a reorganisation undoes a step. */
export class ReorganisedError extends TuringFogError {
  constructor(readonly step: string) {
    super(`${step} was reorganised away: run the same command again`);
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

/** Thrown when the last block of a deployment is not final in time. */
export class NotFinalError extends TuringFogError {
  constructor(
    readonly block: number,
    { tag, takes }: Finality,
    last: number,
  ) {
    const time = formatDuration(BigInt(Math.ceil(OVERDUE * takes)));
    super(
      `Everything stands, but block ${block} is not ${tag} after ${time}, only ${last} is: run the same command again, ` +
        "which sends nothing that still stands",
    );
  }
}

/** Times the usual time until a block is final, after which it is waited for no longer. */
const OVERDUE = 3;

/** Looks at the last final block while one usually becomes final. */
const FINALITY_LOOKS = 100;

/**
 * Waits until the chain can no longer take a plan's steps away.
 * @throws NotFinalError, ReorganisedError
 */
export async function awaitFinality(
  plan: DeploymentPlan,
  connection: Connection,
  say: (line: string) => void,
): Promise<void> {
  const { provider, chain } = connection;
  const target = await provider.getBlockNumber();
  if (!(await hasStood(plan, connection))) {
    say(`Everything stands; waiting until block ${target} is ${chain.finality.tag}`);
    await untilFinal(target, connection);
  }
  const [gone] = await missingSteps(plan, provider);
  if (gone !== undefined) throw new ReorganisedError(gone.name);
}

/** Tells whether the last step stands in the last final block; false if the node no longer knows what stood there. */
async function hasStood({ steps }: DeploymentPlan, { provider, chain }: Connection): Promise<boolean> {
  const { address } = steps[steps.length - 1];
  try {
    return (await provider.getCode(address, chain.finality.tag)) !== "0x";
  } catch (error) {
    if (error instanceof NodeRefusalError) return false;
    throw error;
  }
}

async function untilFinal(target: number, { provider, chain }: Connection): Promise<void> {
  const { tag, takes } = chain.finality;
  const started = Date.now();
  for (;;) {
    const last = (await provider.getBlock(tag))?.number ?? 0;
    if (last >= target) return;
    if (Date.now() - started > OVERDUE * takes * 1_000) throw new NotFinalError(target, chain.finality, last);
    await sleep((takes * 1_000) / FINALITY_LOOKS);
  }
}

/** Number of times that the code of the deterministic deployer is looked for while a transaction usually is mined. */
const LOOKS = 20;

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
    await sleep((chain.patience * 1_000) / LOOKS);
  }
  throw new NoCreate2DeployerError(chain.title);
}

async function hasCode(provider: Provider, address: string): Promise<boolean> {
  return (await provider.getCode(address)) !== "0x";
}
