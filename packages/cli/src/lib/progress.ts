import type { OnProgress } from "@turingfog/sdk/ethers";

import type { Output } from "./output.js";

/** Returns what tells people how far a reading of logs is. */
export function progressOn(output: Output): OnProgress {
  return ({ from, done, total }) => {
    const share = total === 0 ? 100 : Math.floor((100 * done) / total);
    output.doing("Reading logs", `down to block ${from}, ${share} % of ${total} blocks`);
  };
}
