import { DAY, WAD as TFT } from "@turingfog/sdk";
import { ethers } from "hardhat";

import type { TestToken } from "../../typechain-types";
import type { Protocol } from "./fixture";
import { asGovernor } from "./governor";
import { earn, startEpoch } from "./market";
import { POOL_FEE } from "./uniswap";

export const USD = 10n ** 6n;

/** The local parameters' epoch and auction period. */
const EPOCH = DAY;
export const PERIOD = DAY;

/** What a pool is seeded with: 20 TFT for a dollar, as the auction's reference price. */
export const POOL_USD = 100_000n * USD;
export const POOL_TFT = 2_000_000n * TFT;

/** A lot of dollars, at the first second of its auction. */
export async function openLot(
  protocol: Protocol,
  asset: TestToken,
  amount: bigint,
): Promise<{ round: bigint; start: bigint }> {
  const round = await earn(protocol, [{ asset, amount, miner: protocol.actors.miners[0] }]);
  const start = (await startEpoch(protocol)) * EPOCH;
  return { round, start };
}

/** A listed dollar whose address is on one side of the TFT's; on which side decides a pool's direction. */
export async function listDollar({ contracts, actors }: Protocol, side: "below" | "above"): Promise<TestToken> {
  const { tft, escrow, timelock } = contracts;
  const isBelow = async (token: TestToken) => BigInt(await token.getAddress()) < BigInt(await tft.getAddress());
  let token: TestToken;
  do token = await ethers.deployContract("TestToken", ["Dollar", "USD", 6n]);
  while ((await isBelow(token)) !== (side === "below"));

  await token.mint(actors.renters[0], 1_000_000n * USD);
  await asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, 20n * TFT));
  return token;
}

/** What a pool over the whole range of prices takes for an exact amount out, fee included. */
export function amountIn(out: bigint, reserveIn: bigint, reserveOut: bigint): bigint {
  return (reserveIn * out * 1_000_000n) / ((reserveOut - out) * (1_000_000n - BigInt(POOL_FEE)));
}
