import type { Machine } from "@turingfog/network";
import { type Call, KeySender } from "@turingfog/operator";
import { formatInstant, gpuModelOf, modelNameOf, rate, ratePerDay, TuringFogError } from "@turingfog/sdk";
import {
  AmbiguousGpuError,
  type NodeRegistry,
  readEvents,
  simulate,
  type SystemContracts,
  timelockWitness,
} from "@turingfog/sdk/ethers";
import { readMeasurements } from "@turingfog/sdk/node";
import { formatUnits, getAddress } from "ethers";

import { confirm } from "./confirm.js";
import type { OpenDeployment } from "./deployed.js";
import { progressOn } from "./progress.js";
import { type Outcome, outcomeOf, type Step } from "./steps.js";

/** Calls that are submitted together; a Safe's batch of them stays below what a transaction may take. */
const BATCH = 50;

/** A machine, with what the chain says of its model. */
export interface RatedMachine extends Machine {
  /** Name under which the model is rated. */
  model: string;
  gpuModel: string;
  /** TU per day of one GPU, and of all, 18 decimals. */
  rating: bigint;
  ratePerDay: bigint;
  /** TU per day of one GPU by the machine's own log, 18 decimals. */
  measured?: bigint;
}

/** Thrown when a machine's model has no rating that counts, so that the registry takes no node of it. */
export class NotRatedError extends TuringFogError {
  /** @param from when a pending rating will count, in unix seconds; 0 if there is none */
  constructor(model: string, uri: string, from: bigint) {
    const next =
      from === 0n
        ? "have a quorum rate it with turingfog tu attest, and wait a veto window"
        : `a quorum has rated it, which counts from ${formatInstant(from)}: run this again then`;
    super(`${model} of ${uri} has no rating that counts: ${next}`);
  }
}

/**
 * Returns machines with their models' ratings.
 * @throws NotRatedError, AmbiguousGpuError, and the errors of the readers of logs
 */
export async function ratedMachines(machines: readonly Machine[], registry: NodeRegistry): Promise<RatedMachine[]> {
  const ratings = new Map<string, bigint>();
  const rated: RatedMachine[] = [];
  for (const machine of machines) {
    const { gpu, measured } = await measuredModel(machine);
    const model = modelNameOf(gpu);
    const gpuModel = gpuModelOf(model);
    const rating = ratings.get(gpuModel) ?? (await registry.ratingOf(gpuModel));
    if (rating === 0n) throw new NotRatedError(model, machine.uri, (await registry.pendingRating(gpuModel)).from);
    ratings.set(gpuModel, rating);
    const total = ratePerDay(rating, BigInt(machine.count));
    rated.push({ ...machine, model, gpuModel, rating, measured, ratePerDay: total });
  }
  return rated;
}

async function measuredModel({ gpu, log }: Machine): Promise<{ gpu: string; measured?: bigint }> {
  if (log === undefined) return { gpu: gpu as string };
  const candidates = await readMeasurements(log);
  if (candidates.length !== 1) throw new AmbiguousGpuError(candidates.map((each) => each.gpu));
  return { gpu: candidates[0].gpu, measured: rate(candidates[0], true).rating };
}

/** A node that an owner has registered. */
interface Registered {
  nodeId: bigint;
  gpuModel: string;
  gpuCount: bigint;
  uri: string;
}

/** Reads what an owner has registered, with the URI that each node had then. */
export async function readRegistered(
  { registry, timelock }: SystemContracts,
  { connection, book }: OpenDeployment,
  owner: string,
  output: Step["output"],
): Promise<Registered[]> {
  const range = { provider: connection.provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
  const [logs] = await readEvents(range, await timelockWitness(timelock), {
    contract: registry,
    event: registry.filters.NodeRegistered,
    args: [null, getAddress(owner)],
  });
  return logs.map(({ args: { nodeId, gpuModel, gpuCount, metadataURI } }) => {
    return { nodeId, gpuModel, gpuCount, uri: metadataURI };
  });
}

/** Returns the node that a machine was registered as: of the same hardware and URI. */
export function nodeOf({ gpuModel, count, uri }: RatedMachine, registered: readonly Registered[]): bigint | undefined {
  return registered.find((node) => node.gpuModel === gpuModel && node.gpuCount === BigInt(count) && node.uri === uri)
    ?.nodeId;
}

/**
 * Tries calls that are independent of each other, and submits them in batches once they are confirmed, all together. Of a
 * multisig only the first batch is written: the others follow when that was executed.
 * @param isDone whether the call at an index is done, by whomever
 * @throws RevertError before anything is sent, UsageError, NotConfirmedError
 */
export async function submitBatches(
  { connection, sender, values, output }: Step,
  calls: readonly Call[],
  isDone: (index: number) => Promise<boolean>,
): Promise<Outcome[]> {
  if (sender.address !== undefined) {
    for (const [i, call] of calls.entries()) {
      output.doing("Trying each transaction", `${i + 1} of ${calls.length}`);
      await simulate(connection.provider, sender.address, call);
    }
  }
  const count = `${calls.length} transaction${calls.length === 1 ? "" : "s"}`;
  if (sender instanceof KeySender) await confirm(connection, values, `${count} from ${sender.address}`);
  const outcomes: Outcome[] = [];
  for (let i = 0; i < calls.length; i += BATCH) {
    const batch = calls.slice(i, i + BATCH);
    output.doing("Submitting", `${i + 1} to ${i + batch.length} of ${calls.length}`);
    const outcome = outcomeOf(connection, await sender.submit(batch, (j) => isDone(i + j)));
    outcomes.push(outcome);
    const left = calls.length - i - batch.length;
    if (outcome.kind === "batch" && left > 0) {
      output.note(`${left} more follow: execute the batch, then run the same command again`);
      break;
    }
  }
  return outcomes;
}

/** Writes a rating, as "1.35 TU a day". */
export function formatRate(rate: bigint): string {
  return `${formatUnits(rate, 18)} TU a day`;
}
