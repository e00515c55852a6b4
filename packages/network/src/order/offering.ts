import { formatAmount, formatDuration, gpuSecondsOf, TuringFogError, tuOf } from "@turingfog/sdk";
import type { SystemContracts } from "@turingfog/sdk/ethers";
import type { NodeDocument, Runner } from "@turingfog/sdk/wire";
import { formatUnits } from "ethers";

import { checkSlots } from "../runner/index.js";

/** Thrown when a node does not offer what an order asks for. */
export class NotOfferedError extends TuringFogError {
  constructor(nodeId: bigint, reason: string) {
    super(`Node ${nodeId} ${reason}`);
  }
}

/** A node's ability to take orders. */
export interface Ability {
  isAttested: boolean;
  /** TU that can still be ordered, 18 decimals. */
  capacityTU: bigint;
  /** TU per day, 18 decimals. */
  ratePerDay: bigint;
}

/**
 * Returns what keeps a node from taking an order; undefined if nothing does.
 * @param tu 18 decimals
 * @param duration seconds until the order ends
 */
export function obstacleTo(
  { isAttested, capacityTU, ratePerDay }: Ability,
  tu: bigint,
  duration: bigint,
): "unattested" | "capacity" | "speed" | undefined {
  if (!isAttested) return "unattested";
  if (capacityTU < tu) return "capacity";
  return gpuSecondsOf(tu, ratePerDay) > duration ? "speed" : undefined;
}

/** What is asked of a node. */
export interface AskedOrder {
  nodeId: bigint;
  asset: string;
  /** 18 decimals. */
  tuAmount: bigint;
  /** Seconds until the order ends. */
  duration: bigint;
  /** Unix seconds. */
  now: bigint;
}

/**
 * Returns the price, in base units of the asset per whole TU, for which a node takes an order.
 * @throws NotOfferedError if it cannot take it
 */
export async function priceOn(
  registry: SystemContracts["registry"],
  { nodeId, asset, tuAmount, duration, now }: AskedOrder,
): Promise<bigint> {
  const [{ unitPrice, capacityTU }, isAttested, ratePerDay] = await Promise.all([
    registry.listing(nodeId, asset),
    registry.isAttested(nodeId, now),
    registry.ratePerDay(nodeId),
  ]);
  if (unitPrice === 0n) throw new NotOfferedError(nodeId, `is not offered in ${asset}`);
  switch (obstacleTo({ isAttested, capacityTU, ratePerDay }, tuAmount, duration)) {
    case "unattested":
      throw new NotOfferedError(nodeId, "is not attested now, and takes no orders");
    case "capacity":
      throw new NotOfferedError(nodeId, `offers ${formatUnits(capacityTU, 18)} TU at most`);
    case "speed": {
      const attained = formatAmount(tuOf(duration, ratePerDay), 18, 6);
      throw new NotOfferedError(
        nodeId,
        `attains ${attained} TU in ${formatDuration(duration)}, the order is of ${formatUnits(tuAmount, 18)} TU: ask for ` +
          "less, or for more hours",
      );
    }
    case undefined:
      return unitPrice;
  }
}

/**
 * Returns the runner of a node that a job names, after checking that the job fills its slots.
 * @throws NotOfferedError, SlotRefusedError
 */
export function runnerFor(
  { nodeId, runners }: NodeDocument,
  { runner, slots }: { runner: string; slots: Readonly<Record<string, string>> },
): Runner {
  const offer = runners.find(({ name }) => name === runner);
  if (offer === undefined) {
    throw new NotOfferedError(nodeId, `has no runner ${runner}; it has ${runners.map(({ name }) => name).join(", ")}`);
  }
  checkSlots(offer, slots);
  return offer;
}
