import { filledAmount, tftOwed } from "@turingfog/sdk";
import type { ShownLot } from "./shown";

/**
 * Returns how much a bid for a part of a lot is filled with, and what that costs: the rest is sold with it, if less than
 * a hundredth of the lot would be left.
 * @param price TFT (18 decimals) per whole unit of the asset
 */
export function quoteBuy({ asset, amount, remaining }: ShownLot, bid: bigint, price: bigint) {
  const filled = filledAmount(bid, remaining, amount);
  return { filled, owed: tftOwed(filled, price, 10n ** BigInt(asset.decimals)) };
}
