import { type Role, ROLES } from "@turingfog/sdk/ethers";
import type { Context } from "ponder:registry";
import { role as roles, timelockCall, timelockOperation } from "ponder:schema";
import { zeroAddress, zeroHash } from "viem";

import { on, originOf, type Placed } from "./record";

type Db = Context["db"];

const NAMES = new Map(Object.entries(ROLES).map(([name, hash]) => [hash.toLowerCase(), name as Role]));

/** Enters that an account holds a role. */
export async function grant(
  db: Db,
  contract: string,
  role: string,
  account: `0x${string}`,
  event: Placed,
): Promise<void> {
  const origin = originOf(event);
  const row = { isHeld: true, grantedAt: origin.time, revokedAt: null, ...origin };
  await db
    .insert(roles)
    .values({ role, account, contract, ...row })
    .onConflictDoUpdate(row);
}

/** Enters that an account holds a role no longer; zero never held one. */
export async function revoke(db: Db, role: string, account: `0x${string}`, event: Placed): Promise<void> {
  if (account === zeroAddress) return;
  const origin = originOf(event);
  await db.update(roles, { role, account }).set({ isHeld: false, revokedAt: origin.time, ...origin });
}

on("timelock:RoleGranted", async ({ event, context: { db } }) => {
  const { role, account } = event.args;
  await grant(db, "timelock", NAMES.get(role) ?? role, account, event);
});

on("timelock:RoleRevoked", async ({ event, context: { db } }) => {
  const { role, account } = event.args;
  await revoke(db, NAMES.get(role) ?? role, account, event);
});

/* THE TIMELOCK */

on("timelock:CallScheduled", async ({ event, context: { db } }) => {
  const { id, index, target, value, data, predecessor, delay } = event.args;
  const origin = originOf(event);
  const times = { delay, scheduledAt: origin.time, readyAt: origin.time + delay, executedAt: null, cancelledAt: null };
  const row = { status: "scheduled", predecessor, ...times, ...origin } as const;
  // one that was cancelled may be scheduled again
  await db
    .insert(timelockOperation)
    .values({ id, salt: zeroHash, ...row })
    .onConflictDoUpdate(row);
  const call = { target, value, data, ...origin };
  await db
    .insert(timelockCall)
    .values({ timelockOperationId: id, index: Number(index), ...call })
    .onConflictDoUpdate(call);
});

on("timelock:CallSalt", async ({ event, context: { db } }) => {
  const { id, salt } = event.args;
  await db.update(timelockOperation, { id }).set({ salt, ...originOf(event) });
});

on("timelock:CallExecuted", async ({ event, context: { db } }) => {
  const origin = originOf(event);
  await db
    .update(timelockOperation, { id: event.args.id })
    .set({ status: "executed", executedAt: origin.time, ...origin });
});

on("timelock:Cancelled", async ({ event, context: { db } }) => {
  const origin = originOf(event);
  await db
    .update(timelockOperation, { id: event.args.id })
    .set({ status: "cancelled", cancelledAt: origin.time, ...origin });
});
