import { GENESIS, supplyOf } from "@turingfog/sdk";
import type { Context } from "ponder:registry";
import { operationsPayment, supply, tftBalance, tftTransfer } from "ponder:schema";
import { zeroAddress } from "viem";

import { on, originOf, type Origin } from "./record";
import { grant, revoke } from "./roles";

/** The supply before the first destruction. */
const UNTOUCHED = { ...supplyOf(GENESIS), bought: 0n, rewarded: 0n, claimed: 0n, operations: 0n, operationsPaid: 0n };

on("tft:Transfer", async ({ event, context: { db, chain } }) => {
  const { from, to, value: amount } = event.args;
  const origin = originOf(event);
  await db.insert(tftTransfer).values({ id: event.id, from, to, amount, ...origin });
  if (from === zeroAddress) {
    await db
      .insert(supply)
      .values({ id: chain.id, ...UNTOUCHED, ...origin })
      .onConflictDoNothing();
  } else await add(db, from, -amount, origin);
  if (to !== zeroAddress) await add(db, to, amount, origin);
});

async function add(db: Context["db"], account: `0x${string}`, amount: bigint, origin: Origin): Promise<void> {
  await db
    .insert(tftBalance)
    .values({ account, balance: amount, ...origin })
    .onConflictDoUpdate(({ balance }) => ({ balance: balance + amount, ...origin }));
}

/* OPERATIONS */

on("vault:OperationsPaid", async ({ event, context: { db, chain } }) => {
  const { treasury, amount } = event.args;
  const origin = originOf(event);
  await db.insert(operationsPayment).values({ id: event.id, treasury, amount, ...origin });
  await db
    .update(supply, { id: chain.id })
    .set(({ operationsPaid }) => ({ operationsPaid: operationsPaid + amount, ...origin }));
});

on("vault:OperationsSet", async ({ event, context: { db } }) => {
  const { oldTreasury, newTreasury } = event.args;
  await revoke(db, "operationsTreasury", oldTreasury, event);
  await grant(db, "vault", "operationsTreasury", newTreasury, event);
});
