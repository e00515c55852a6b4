import { createEngine } from "../engine";
import { trimmedMean } from "../mean";
import { Trainer } from "../trainer";
import { firstDifference, verifyRound, type FalseStatement } from "../verify";
import { hashOf } from "../weights";
import type { RoundRecord, WorkerClaim } from "./record";
import { RunError, type TrainingRun } from "./run";

/** Something that a round's file says and that does not come out again. */
export interface Problem extends Omit<FalseStatement, "what"> {
  /** What is wrong: a statement of a claim, the round's start, its mean, or what was measured. */
  what: FalseStatement["what"] | "mean" | "accuracy" | "loss";
}

/** What a recomputation has found out about a worker's claim, or about the round as a whole. */
export interface Finding {
  round: bigint;
  /** The worker; undefined for what is of all together. */
  nodeId?: bigint;
  problems: Problem[];
}

export interface Choice {
  /** This round alone. */
  round?: bigint;
  /** This worker alone, without what is of all together. */
  nodeId?: bigint;
}

/**
 * Recomputes rounds of a run from its files: each worker's part, then the mean and what was measured.
 * @throws RunError if there is no such round or worker
 */
export async function* recompute(
  run: TrainingRun,
  { round, nodeId }: Choice,
  engine = createEngine,
): AsyncGenerator<Finding> {
  const trainer = new Trainer(run.plan, engine);
  const records = run.records.filter((each) => round === undefined || each.round === round);
  if (round !== undefined && records.length === 0) {
    throw new RunError(`Round ${round} is not there, expected 1 to ${run.records.length}`);
  }
  for (const record of records) {
    const claims = record.claims.filter((each) => nodeId === undefined || each.nodeId === nodeId);
    if (claims.length === 0)
      throw new RunError(`Round ${record.round} has no worker ${nodeId}, expected 1 to ${run.settings.workers}`);
    for (const claim of claims) yield await recomputeClaim(run, trainer, record, claim);
    if (nodeId === undefined) yield await recomputeMean(run, trainer, record);
  }
}

async function recomputeClaim(
  run: TrainingRun,
  trainer: Trainer,
  { round, startHash }: RoundRecord,
  { nodeId, endHash, images, loss, residualBefore, residualAfter }: WorkerClaim,
): Promise<Finding> {
  const residual = await run.residualBefore(round, nodeId);
  const { problems, result } = verifyRound(trainer, {
    claim: { orderId: 0n, nodeId, round, startHash, endHash, images },
    start: await run.weightsAfter(Number(round) - 1),
    shard: (await run.shards())[Number(nodeId) - 1],
    end: await run.store.get(endHash),
    residual,
    residualClaim: residual === undefined ? undefined : { before: residualBefore, after: residualAfter },
  });
  return {
    round,
    nodeId,
    problems: [...problems, ...(result === undefined ? [] : compare("loss", result.loss, loss))],
  };
}

async function recomputeMean(run: TrainingRun, trainer: Trainer, record: RoundRecord): Promise<Finding> {
  const ends = record.claims.map(async ({ nodeId, endHash }) => ({ nodeId, weights: await run.store.get(endHash) }));
  const mean = trimmedMean(await Promise.all(ends), run.plan.trim);
  const claimed = await run.store.get(record.endHash);
  const problems: Problem[] = compare("mean", hashOf(mean), record.endHash);
  if (problems.length > 0) problems[0].difference = firstDifference(trainer, mean, claimed);
  const { accuracy, loss } = await run.evaluate(claimed);
  problems.push(...compare("accuracy", accuracy, record.accuracy), ...compare("loss", loss, record.loss));
  return { round: record.round, problems };
}

function compare(what: Problem["what"], expected: string | number, claimed: string | number): Problem[] {
  return expected === claimed ? [] : [{ what, expected: String(expected), claimed: String(claimed) }];
}
