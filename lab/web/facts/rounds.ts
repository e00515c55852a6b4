import { bucketId, claimShare, decodeBucketId, gpuModelOf } from "@turingfog/sdk";

import type { History, Reading, Told } from "./history";

const bucketOf = async ({ contracts: { pool } }: History, id: string) => pool.bucket(id);

/** Events of a bucket, by the name of its id's argument. */
function of(history: History, name: string, id: string): Told[] {
  return history.named(name).filter(({ args }) => args.bucketId === BigInt(id));
}

/** Fills of a lot. */
function fillsOf(history: History, id: string): Told[] {
  return history
    .named("LotFilled")
    .filter(({ args }) => bucketId(args.round as bigint, args.asset as string) === BigInt(id));
}

const sum = (told: readonly Told[], field: string) =>
  told.reduce((total, { args }) => total + (args[field] as bigint), 0n);

/** What each miner has earned in a bucket: the settlements of the transactions that added weight to it. */
export function weightsOf(history: History, id: string): Map<string, bigint> {
  const { asset } = decodeBucketId(BigInt(id));
  const added = new Set(of(history, "WeightAdded", id).map(({ transactionHash }) => transactionHash));
  const weights = new Map<string, bigint>();
  for (const { name, args, transactionHash } of history.told) {
    if (!/^(Receipt|Acknowledgement)Settled$/.test(name) || !added.has(transactionHash)) continue;
    if (history.order(String(args.orderId)).asset !== asset) continue;
    const miner = (args.payout as string).toLowerCase();
    weights.set(miner, (weights.get(miner) ?? 0n) + (args.earned as bigint));
  }
  for (const [miner, weight] of weights) if (weight === 0n) weights.delete(miner);
  return weights;
}

/** A miner's share of a bucket's reward, and whether it is claimed. */
export async function shareOf(
  history: History,
  id: string,
  miner: string,
): Promise<{ share: bigint; isClaimed: boolean }> {
  const { reward, weight: total } = await bucketOf(history, id);
  const weight = weightsOf(history, id).get(miner) ?? 0n;
  const left = await history.contracts.pool.weightOf(id, miner);
  return { share: claimShare(reward, weight, total), isClaimed: left === 0n };
}

/** TU that were settled in a bucket: what each of its settlements added to what the node had on the order before. */
function settledIn(history: History, id: string): bigint {
  const { asset } = decodeBucketId(BigInt(id));
  const added = new Set(of(history, "WeightAdded", id).map(({ transactionHash }) => transactionHash));
  const before = new Map<string, bigint>();
  let settled = 0n;
  for (const { name, args, transactionHash } of history.told) {
    if (!/^(Receipt|Acknowledgement)Settled$/.test(name)) continue;
    const key = `${args.orderId}/${args.nodeId}`;
    const tu = args.tuSettled as bigint;
    if (added.has(transactionHash) && history.order(String(args.orderId)).asset === asset) {
      settled += tu - (before.get(key) ?? 0n);
    }
    before.set(key, tu);
  }
  return settled;
}

/** When a round closes: at the end of the epoch of its first earning, or once the one before it is final. */
async function closesAt(history: History, id: string): Promise<bigint> {
  const { round, asset } = decodeBucketId(BigInt(id));
  const length = await history.contracts.pool.EPOCH_LENGTH();
  const opened = of(history, "RoundOpened", id)[0].time;
  const end = (opened / length + 1n) * length;
  if (round === 1n) return end;
  const before = of(history, "RewardAdded", String(bucketId(round - 1n, asset))).find(
    ({ args }) => args.isFinal as boolean,
  );
  if (before === undefined) throw new Error(`The round before ${round} of ${asset} is not final`);
  return before.time > end ? before.time : end;
}

/** @param id `bucket/miner` */
const pair = (id: string) => id.split("/") as [bucket: string, miner: string];

export const ROUNDS: Record<string, Reading> = {
  "round:weight": async (history, id) => (await bucketOf(history, id)).weight,
  "round:reward": async (history, id) => (await bucketOf(history, id)).reward,
  "round:isFinal": async (history, id) => ((await bucketOf(history, id)).isFinal ? "final" : "not final"),
  "round:stage": async (history, id, at) => {
    if ((await bucketOf(history, id)).isFinal) return "final";
    return (await closesAt(history, id).catch(() => at + 1n)) <= at ? "closed" : "open";
  },
  "round:sold": async (history, id) => {
    const { asset } = decodeBucketId(BigInt(id));
    if (asset !== (await history.contracts.tft.getAddress())) return sum(fillsOf(history, id), "amount");
    return sum(of(history, "Destroyed", id), "bought");
  },
  "round:writtenOff": (history, id) => {
    const given = history.named("LotWrittenOff");
    return sum(
      given.filter(({ args }) => bucketId(args.round as bigint, args.asset as string) === BigInt(id)),
      "amount",
    );
  },
  "round:proceeds": (history, id) => sum(of(history, "Destroyed", id), "bought"),
  "round:claimed": async (history, id) => {
    let claimed = 0n;
    for (const miner of weightsOf(history, id).keys()) {
      const { share, isClaimed } = await shareOf(history, id, miner);
      if (isClaimed) claimed += share;
    }
    return claimed;
  },
  "round:miners": (history, id) => BigInt(weightsOf(history, id).size),
  "round:fills": (history, id) => BigInt(fillsOf(history, id).length),
  "round:openedAt": (history, id) => of(history, "RoundOpened", id)[0].time,
  "round:closesAt": closesAt,
  "round:finalAt": (history, id) => {
    return of(history, "RewardAdded", id).find(({ args }) => args.isFinal as boolean)?.time ?? 0n;
  },
  "round:tu": settledIn,
  "yield:reward": async (history, id) => {
    const [bucket, tu] = pair(id);
    return ((await bucketOf(history, bucket)).reward * BigInt(tu)) / settledIn(history, bucket);
  },
  "epochs:rows": async (history) => {
    const ids = history.named("RoundOpened").map(({ args }) => String(args.bucketId));
    const buckets = await Promise.all(ids.map((id) => bucketOf(history, id)));
    return BigInt(buckets.filter(({ isFinal }) => isFinal).length);
  },
  "model:rating": ({ contracts: { registry } }, name) => registry.ratingOf(gpuModelOf(name)),
  "weight:weight": (history, id) => weightsOf(history, pair(id)[0]).get(pair(id)[1]) ?? 0n,
  "weight:share": async (history, id) => (await shareOf(history, ...pair(id))).share,
  "weight:claimed": async (history, id) => {
    const { share, isClaimed } = await shareOf(history, ...pair(id));
    return isClaimed ? share : "not claimed";
  },
};
