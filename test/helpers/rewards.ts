import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { type Protocol } from "./fixture";
import { earn, startEpoch } from "./market";

export const SEED = Number(process.env.SEED ?? 1);

/** What a miner earned, in TFT. */
type Weight = readonly [miner: HardhatEthersSigner, amount: bigint];

/** A bucket of TFT in which miners have earned, and whose round has closed; it is not final yet. */
export async function closedBucket(protocol: Protocol, ...weights: Weight[]): Promise<{ round: bigint; id: bigint }> {
  const { tft, pool } = protocol.contracts;
  const round = await earn(
    protocol,
    weights.map(([miner, amount]) => ({ asset: tft, miner, amount })),
  );
  await startEpoch(protocol);
  return { round, id: await pool.bucketId(round, tft) };
}

/** A bucket of TFT in which miners have earned, and that is final. */
export async function finalBucket(protocol: Protocol, ...weights: Weight[]): Promise<{ id: bigint; reward: bigint }> {
  const { controller, pool } = protocol.contracts;
  const { round, id } = await closedBucket(protocol, ...weights);
  await controller.burn(round);
  return { id, reward: (await pool.bucket(id)).reward };
}
