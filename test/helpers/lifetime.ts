import { time } from "@nomicfoundation/hardhat-network-helpers";
import { max, min, PRODUCTION_MINING_END, saturatingSub } from "@turingfog/sdk";

import type { Protocol } from "./fixture";
import { earn, startEpoch } from "./market";

/** Lets every allocation vest and hands it to the treasury, so that all that circulates can be spent on orders. */
export async function gatherAllocations({ contracts: { tft, vestings }, actors }: Protocol): Promise<void> {
  const ends = await Promise.all(vestings.map((vesting) => vesting.end()));
  const lastEnd = ends.reduce(max);
  if (lastEnd > BigInt(await time.latest())) await time.increaseTo(lastEnd);

  for (const [i, vesting] of vestings.entries()) {
    await vesting["release(address)"](tft);
    const beneficiary = actors.beneficiaries[i];
    await tft.connect(beneficiary).transfer(actors.treasury, await tft.balanceOf(beneficiary));
  }
}

/**
 * Takes the system through its life until `burned` TFT are burned in all, in as few destructions as what circulates
 * allows: the treasury orders, mines, and claims what it gets back.
 */
export async function burnUpTo(protocol: Protocol, burned: bigint): Promise<void> {
  const { tft, controller, pool } = protocol.contracts;
  const { treasury } = protocol.actors;
  await gatherAllocations(protocol);

  for (let before = await tft.burned(); before < burned; before = await tft.burned()) {
    const untilE1 = saturatingSub(min(burned, PRODUCTION_MINING_END), before);
    const needed = untilE1 + 2n * (burned - before - untilE1);
    const amount = min(needed, await tft.balanceOf(treasury));

    const round = await earn(protocol, [{ asset: tft, amount, miner: treasury, payer: treasury }]);
    await startEpoch(protocol);
    await controller.burn(round);
    await pool.connect(treasury).claim([await pool.bucketId(round, tft)], treasury);
  }
}
