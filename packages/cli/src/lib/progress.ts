import type { ToldState } from "@turingfog/network";
import type { OnProgress } from "@turingfog/sdk/ethers";

import type { Output } from "./output.js";
import { formatTU } from "./token.js";

/** Returns what tells people how far a reading of logs is. */
export function progressOn(output: Output): OnProgress {
  return ({ from, done, total }) => {
    const share = total === 0 ? 100 : Math.floor((100 * done) / total);
    output.doing("Reading logs", `down to block ${from}, ${share} % of ${total} blocks`);
  };
}

/** Describes the state of an order in the node's words. */
export function stateText({ state, reason }: ToldState): string {
  if (state === "unknown") return "the node has not taken the order on yet";
  return reason === "" ? state : `${state}: ${reason}`;
}

/** Returns a line on how far a run is, in the node's words and units. */
export function progressLine(told: ToldState): string {
  const { state, heldSeconds, cumulativeTU, line } = told;
  if (state === "unknown") return stateText(told);
  return [`${stateText(told)}, ${heldSeconds.toFixed(0)} s, ${formatTU(cumulativeTU)}`, line ?? ""]
    .join("  ")
    .trimEnd();
}
