import type { OrderRecord } from "@turingfog/sdk/ethers";

/** How an order stands. */
export type OrderState = "running" | "ended" | "closed";

/**
 * Tells how an order stands: it runs, has ended and can be closed some time, or is closed.
 * @param now time of the latest block, in unix seconds
 */
export function orderStateOf({ refund, endsAt }: OrderRecord, now: bigint): OrderState {
  if (refund !== undefined) return "closed";
  return endsAt > now ? "running" : "ended";
}
