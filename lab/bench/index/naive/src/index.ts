import { replaceBigInts } from "ponder";
import { type EventNames, ponder } from "ponder:registry";
import { event as events } from "ponder:schema";

import config from "../ponder.config";

// one handler for each event, which inserts one row
for (const [contract, { abi }] of Object.entries(config.contracts)) {
  for (const item of abi) {
    if (item.type !== "event") continue;
    const name = `${contract}:${item.name}`;
    ponder.on(name as EventNames, async ({ event, context }) => {
      const { id, args, block, transaction } = event as unknown as {
        id: string;
        args: Record<string, unknown>;
        block: { number: bigint };
        transaction: { hash: `0x${string}` };
      };
      const row = { args: replaceBigInts(args, String), block: block.number, transactionHash: transaction.hash };
      await context.db.insert(events).values({ id, name, ...row });
    });
  }
}
