/**
 * What SQL reads: each table under its name, as a view of it. Ponder updates many rows of a table by way of a temporary
 * one of the same name, which stays. PGlite has one session for all, in which that name then means the temporary table,
 * empty. A view means the table that it was created over.
 */
import { onchainView } from "ponder";

import { claim, destruction, fill, fillerFill, operationsPayment, recipient, round, supply, weight } from "./buyback";
import { event, snapshot } from "./events";
import { role, timelockCall, timelockOperation } from "./governance";
import { attestation, listing, model, node } from "./nodes";
import { freeze, root, signerSet } from "./oracle";
import { asset, order, orderNode, orderTransfer, settlement, skip } from "./orders";
import { tftBalance, tftTransfer } from "./tft";

export const roundsView = onchainView("rounds").as((db) => db.select().from(round));
export const weightsView = onchainView("weights").as((db) => db.select().from(weight));
export const fillsView = onchainView("fills").as((db) => db.select().from(fill));
export const fillerFillsView = onchainView("filler_fills").as((db) => db.select().from(fillerFill));
export const destructionsView = onchainView("destructions").as((db) => db.select().from(destruction));
export const supplyView = onchainView("supply").as((db) => db.select().from(supply));
export const operationsPaymentsView = onchainView("operations_payments").as((db) =>
  db.select().from(operationsPayment),
);
export const claimsView = onchainView("claims").as((db) => db.select().from(claim));
export const recipientsView = onchainView("recipients").as((db) => db.select().from(recipient));
export const snapshotView = onchainView("snapshot").as((db) => db.select().from(snapshot));
export const eventsView = onchainView("events").as((db) => db.select().from(event));
export const rolesView = onchainView("roles").as((db) => db.select().from(role));
export const timelockOperationsView = onchainView("timelock_operations").as((db) =>
  db.select().from(timelockOperation),
);
export const timelockCallsView = onchainView("timelock_calls").as((db) => db.select().from(timelockCall));
export const nodesView = onchainView("nodes").as((db) => db.select().from(node));
export const attestationsView = onchainView("attestations").as((db) => db.select().from(attestation));
export const listingsView = onchainView("listings").as((db) => db.select().from(listing));
export const modelsView = onchainView("models").as((db) => db.select().from(model));
export const rootsView = onchainView("roots").as((db) => db.select().from(root));
export const signerSetsView = onchainView("signer_sets").as((db) => db.select().from(signerSet));
export const freezesView = onchainView("freezes").as((db) => db.select().from(freeze));
export const ordersView = onchainView("orders").as((db) => db.select().from(order));
export const orderNodesView = onchainView("order_nodes").as((db) => db.select().from(orderNode));
export const orderTransfersView = onchainView("order_transfers").as((db) => db.select().from(orderTransfer));
export const settlementsView = onchainView("settlements").as((db) => db.select().from(settlement));
export const skipsView = onchainView("skips").as((db) => db.select().from(skip));
export const assetsView = onchainView("assets").as((db) => db.select().from(asset));
export const tftTransfersView = onchainView("tft_transfers").as((db) => db.select().from(tftTransfer));
export const tftBalancesView = onchainView("tft_balances").as((db) => db.select().from(tftBalance));
