import { cardOfModel, ratePerDay } from "@turingfog/sdk";
import { attestation, listing, model, node } from "ponder:schema";
import { zeroAddress } from "viem";

import { on, originOf, storableText } from "./record";

/* RATINGS */

on("registry:ModelRated", async ({ event, context: { db } }) => {
  const { gpuModel, rating, from, evidence } = event.args;
  const row = { rating, from: BigInt(from), evidence, vetoedAt: null, undoneAt: null, ...originOf(event) };
  await db
    .insert(model)
    .values({ gpuModel, name: cardOfModel(gpuModel) ?? null, ...row })
    .onConflictDoUpdate(row);
});

on("registry:RatingVetoed", async ({ event, context: { db } }) => {
  const origin = originOf(event);
  await db.update(model, { gpuModel: event.args.gpuModel }).set({ rating: 0n, vetoedAt: origin.time, ...origin });
});

/* NODES */

on("registry:NodeRegistered", async ({ event, context: { db } }) => {
  const { nodeId: id, owner, gpuModel, gpuCount, payout, metadataURI } = event.args;
  const origin = originOf(event);
  // a rating that counts never changes, and no node of another model is registered
  const rated = await db.find(model, { gpuModel });
  await db.insert(node).values({
    ...{ id, owner, pendingOwner: zeroAddress, payout, gpuModel, gpuModelName: rated?.name, gpuCount },
    ...{ ratePerDay: ratePerDay(rated?.rating ?? 0n, BigInt(gpuCount)), registeredAt: origin.time },
    metadataURI: storableText(metadataURI),
    ...{ attestedFrom: 0n, attestedUntil: 0n, orders: 0, tuSettled: 0n },
    ...origin,
  });
});

on("registry:PayoutSet", async ({ event, context: { db } }) => {
  const { nodeId: id, newPayout } = event.args;
  await db.update(node, { id }).set({ payout: newPayout, ...originOf(event) });
});

on("registry:MetadataURISet", async ({ event, context: { db } }) => {
  const { nodeId: id, metadataURI } = event.args;
  await db.update(node, { id }).set({ metadataURI: storableText(metadataURI), ...originOf(event) });
});

on("registry:NodeTransferStarted", async ({ event, context: { db } }) => {
  const { nodeId: id, pendingOwner } = event.args;
  await db.update(node, { id }).set({ pendingOwner, ...originOf(event) });
});

on("registry:NodeTransferred", async ({ event, context: { db } }) => {
  const { nodeId: id, newOwner: owner } = event.args;
  await db.update(node, { id }).set({ owner, pendingOwner: zeroAddress, ...originOf(event) });
});

on("registry:ListingSet", async ({ event, context: { db } }) => {
  const { nodeId, asset, unitPrice, capacityTU } = event.args;
  const row = { unitPrice, capacityTU, ...originOf(event) };
  await db
    .insert(listing)
    .values({ nodeId, asset, ...row })
    .onConflictDoUpdate(row);
});

/* ATTESTATIONS */

on("registry:NodeAttested", async ({ event, context: { db } }) => {
  const { nodeId, evidence } = event.args;
  const [from, until] = [BigInt(event.args.attestedFrom), BigInt(event.args.validUntil)];
  const origin = originOf(event);
  const row = { until, evidence, ...origin };
  await db
    .insert(attestation)
    .values({ nodeId, from, ...row })
    .onConflictDoUpdate(row);
  await db.update(node, { id: nodeId }).set({ attestedFrom: from, attestedUntil: until, ...origin });
});

on("registry:NodeRevoked", async ({ event, context: { db } }) => {
  const { nodeId } = event.args;
  const from = BigInt(event.args.attestedFrom);
  const origin = originOf(event);
  const revokedAt = origin.time;
  // one that counts counts until the second before, one that is pending never
  const isPending = from > revokedAt;
  const until = isPending ? 0n : revokedAt - 1n;
  await db.update(attestation, { nodeId, from }).set({ until, revokedAt, ...origin });
  await db.update(node, { id: nodeId }).set({ attestedFrom: isPending ? 0n : from, attestedUntil: until, ...origin });
});
