import { type EventNames, ponder } from "ponder:registry";

import config from "../ponder.config";

// one handler for each event, which does nothing: what remains is what Ponder takes to read a chain
for (const [contract, { abi }] of Object.entries(config.contracts)) {
  for (const item of abi) {
    if (item.type === "event") ponder.on(`${contract}:${item.name}` as EventNames, () => Promise.resolve());
  }
}
