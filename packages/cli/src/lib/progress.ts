import type { OnProgress } from "@turingfog/sdk/ethers";

import type { Output } from "./command.js";

/** Milliseconds between two lines about one reading. */
const INTERVAL = 5_000;

/** Returns what tells people how far a reading of logs is, if it takes long. */
export function progressOn(output: Output): OnProgress {
  let last: number | undefined;
  return ({ from, done, total }) => {
    last ??= Date.now();
    if (done === total || Date.now() - last < INTERVAL) return;
    last = Date.now();
    output.note(`Reading logs: down to block ${from}, ${Math.floor((100 * done) / total)} % of ${total} blocks`);
  };
}
