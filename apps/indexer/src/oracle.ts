import { and, desc, gt, isNull } from "ponder";
import type { Context } from "ponder:registry";
import { attestation, freeze, model, node, root, signerSet } from "ponder:schema";

import { on, originOf, type Origin } from "./record";
import { grant, revoke } from "./roles";

type Db = Context["db"];

on("oracle:GuardianSet", async ({ event, context: { db } }) => {
  const { oldGuardian, newGuardian } = event.args;
  await revoke(db, "guardian", oldGuardian, event);
  await grant(db, "oracle", "guardian", newGuardian, event);
});

/* ROOTS */

on("oracle:RootSubmitted", async ({ event, context }) => {
  const { receiptsRoot, dataHash, signerSetVersion } = event.args;
  const origin = originOf(event);
  const finalAt = origin.time + (await vetoWindow(context));
  const times = { submittedAt: origin.time, finalAt, vetoedAt: null, expiredAt: null };
  const row = { dataHash, signerSetVersion, ...times, ...origin };
  // one that has expired may be submitted again
  await context.db
    .insert(root)
    .values({ receiptsRoot, ...row })
    .onConflictDoUpdate(row);
});

async function vetoWindow({ client, contracts }: Context): Promise<bigint> {
  const { abi, address } = contracts.oracle;
  const [oracle] = [address].flat();
  const read = { abi, address: oracle, functionName: "VETO_WINDOW", cache: "immutable" } as const;
  return BigInt(await client.readContract(read));
}

on("oracle:RootVetoed", async ({ event, context: { db } }) => {
  const origin = originOf(event);
  await db.update(root, { receiptsRoot: event.args.receiptsRoot }).set({ vetoedAt: origin.time, ...origin });
});

/** Selects the roots that are pending at a time. */
const pendingAt = (time: bigint) => and(gt(root.finalAt, time), isNull(root.vetoedAt), isNull(root.expiredAt));

/* ROTATIONS AND FREEZES */

on("oracle:SignersSet", async ({ event, context: { db } }) => {
  const { signerSetVersion: version, signers, quorum } = event.args;
  const origin = originOf(event);
  const before = await db.find(signerSet, { version: version - 1n });
  for (const signer of before?.signers ?? []) await revoke(db, "signer", signer, event);
  for (const signer of signers) await grant(db, "oracle", "signer", signer, event);
  await db.insert(signerSet).values({ version, signers: [...signers], quorum: Number(quorum), ...origin });
  // the first set finds nothing to undo
  if (before === null) return;
  await db.sql
    .update(root)
    .set({ expiredAt: origin.time, ...origin })
    .where(pendingAt(origin.time));
  await undoPending(db, origin);
});

on("oracle:Frozen", async ({ event, context }) => {
  const { db } = context;
  const { until } = event.args;
  const origin = originOf(event);
  await db.insert(freeze).values({ id: event.id, from: origin.time, until, ...origin });
  await restartWindows(context, origin, until);
  await undoPending(db, origin);
});

on("oracle:Thawed", async ({ event, context }) => {
  const { db } = context;
  const origin = originOf(event);
  const [{ id }] = await db.sql.select({ id: freeze.id }).from(freeze).orderBy(desc(freeze.id)).limit(1);
  await db.update(freeze, { id }).set({ until: origin.time, thawedAt: origin.time, ...origin });
  await restartWindows(context, origin, origin.time);
});

/** The window of a root that a freeze has met starts anew at the freeze's end. */
async function restartWindows(context: Context, origin: Origin, end: bigint): Promise<void> {
  const finalAt = end + (await vetoWindow(context));
  await context.db.sql
    .update(root)
    .set({ finalAt, ...origin })
    .where(pendingAt(origin.time));
}

/** Undoes the attestations and ratings that do not count yet. */
async function undoPending(db: Db, origin: Origin): Promise<void> {
  const undone = { undoneAt: origin.time, ...origin };
  await db.sql
    .update(attestation)
    .set(undone)
    .where(and(gt(attestation.from, origin.time), isNull(attestation.revokedAt), isNull(attestation.undoneAt)));
  await db.sql
    .update(node)
    .set({ attestedFrom: 0n, attestedUntil: 0n, ...origin })
    .where(gt(node.attestedFrom, origin.time));
  await db.sql
    .update(model)
    .set(undone)
    .where(and(gt(model.from, origin.time), isNull(model.vetoedAt), isNull(model.undoneAt)));
}
