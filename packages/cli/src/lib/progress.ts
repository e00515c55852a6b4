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

/** Returns a line on how far a run is, in the node's words and units. */
export function progressLine({ state, reason, heldSeconds, cumulativeTU, line }: ToldState): string {
  const what = reason === "" ? state : `${state}: ${reason}`;
  return [`${what}, ${heldSeconds.toFixed(0)} s, ${formatTU(cumulativeTU)}`, line ?? ""].join("  ").trimEnd();
}
