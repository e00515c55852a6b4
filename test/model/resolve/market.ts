import { max, min } from "@turingfog/sdk";
import { PERMIT_TYPES } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, type Receipt, ReceiptTree } from "@turingfog/sdk/wire";
import { dataSlice, id, Signature, toBeHex, ZeroHash } from "ethers";

import { signTyped } from "../../helpers/keys";
import * as escrow from "../reference/escrow";
import { Status, status, submit } from "../reference/oracle";
import { listing } from "../reference/registry";
import { permit, tokenAt } from "../reference/token";
import { type Address, known, type Order, type World } from "../reference/world";
import type { AcknowledgementStep, Action, Flaw, OrderStep, Pick, ReceiptStep, ReuseStep } from "../steps";
import {
  callerOr,
  choose,
  chooseNode,
  chooseOrder,
  type Command,
  type Context,
  EVIDENCE,
  type Resolvers,
  UNKNOWN_ORDER,
  UNKNOWN_ROOT,
  vouch,
} from "./context";

const MAX_PRICE = 2n ** 128n - 1n;

const MAX_TU = 2n ** 96n - 1n;

const ACKNOWLEDGEMENT_TYPE = { name: "Acknowledgement", fields: ACKNOWLEDGEMENT.types.Acknowledgement };

const PERMIT = { name: "Permit", fields: PERMIT_TYPES.Permit };

/** Orders and receipts. */
export const marketResolvers: Resolvers<
  | "openOrder"
  | "openOrders"
  | "transferOrder"
  | "approveOrder"
  | "stop"
  | "close"
  | "submit"
  | "resubmit"
  | "settle"
  | "acknowledge"
> = {
  openOrder: (context, action) => openOrder(context, action),

  openOrders(context, { payer, orders }) {
    const from = context.system.account(payer);
    const all = orders.map((order) => termsOf(context, order));
    return {
      ...{ from, contract: "escrow", method: "openOrders", args: [all] },
      apply: (world) => {
        escrow.openOrders(world, from, all);
      },
    };
  },

  transferOrder(context, { order, caller, from: holder, to }) {
    const orderId = chooseOrder(context, order);
    const owner = holderOf(context, orderId);
    const from = callerOr(context, caller, owner);
    const args = [callerOr(context, holder, owner), context.system.account(to), orderId] as const;
    return {
      ...{ from, contract: "escrow", method: "transferFrom", args },
      apply: (world) => {
        escrow.transferOrder(world, from, ...args);
      },
    };
  },

  approveOrder(context, { order, caller, to }) {
    const orderId = chooseOrder(context, order);
    const from = callerOr(context, caller, holderOf(context, orderId));
    const approved = context.system.account(to);
    return {
      ...{ from, contract: "escrow", method: "approve", args: [approved, orderId] },
      apply: (world) => {
        escrow.approveOrder(world, from, approved, orderId);
      },
    };
  },

  stop(context, { order, caller }) {
    const orderId = chooseOrder(context, order);
    const from = callerOr(context, caller, holderOf(context, orderId));
    return {
      ...{ from, contract: "escrow", method: "stop", args: [orderId] },
      apply: (world) => {
        escrow.stop(world, from, orderId);
      },
    };
  },

  close(context, { order, caller }) {
    const orderId = chooseOrder(context, order);
    const from = context.system.account(caller);
    return {
      ...{ from, contract: "escrow", method: "close", args: [orderId] },
      apply: (world) => {
        escrow.close(world, from, orderId);
      },
    };
  },

  async submit(context, { receipts: steps, flaw, hash }) {
    const receipts = distinct(steps.map((step) => receiptOf(context, step)));
    const root = hash === "zero root" ? ZeroHash : (await ReceiptTree.of(receipts)).root;
    return submission(context, root, receipts, hash === "zero data" ? ZeroHash : EVIDENCE, flaw);
  },

  resubmit(context, { root: pick, flaw }) {
    const [root, { receipts }] = choose([...context.world.state.roots], pick, [
      UNKNOWN_ROOT,
      { receipts: [] },
    ] as never);
    return submission(context, root, receipts, EVIDENCE, flaw);
  },

  settle: (context, action) => settle(context, action),

  acknowledge: (context, action) => acknowledge(context, action),
};

function termsOf(context: Context, step: OrderStep): escrow.OpenTerms {
  const { world, system } = context;
  const asset = system.account(step.asset);
  const nodeId = step.node === "joint" ? 0n : chooseNode(context, step.node);
  const offered = listing(world, nodeId, asset).unitPrice;
  const isAtListing = step.aboveListing !== null && offered > 0n;
  return {
    nodeId,
    asset,
    tuAmount: step.tuAmount,
    maxUnitPrice: isAtListing ? min(offered + (step.aboveListing ?? 0n), MAX_PRICE) : step.maxUnitPrice,
    duration: step.duration,
    renter: system.account(step.renter),
    refundTo: system.account(step.refundTo),
    jobHash: id("job"),
    paymentRef: toBeHex(step.paymentRef, 32),
    reuse: reuseOf(context, step.reuse),
  };
}

/** The id that names the place to be taken over, or 0 when there is none such. */
function reuseOf({ world }: Context, { of, pick }: ReuseStep): bigint {
  const orders = [...world.state.orders].reverse();
  const chosen = (isMeant: (order: Order) => boolean): bigint => {
    const meant = orders.filter(([, order]) => isMeant(order)).map(([orderId]) => orderId);
    return choose(meant, pick, 0n);
  };
  const closed = chosen((order) => escrow.isFree(world, order));
  switch (of) {
    case "none":
      return 0n;
    case "closed":
      return closed;
    case "taken over":
      return chosen((order) => !order.isOpen && !escrow.isFree(world, order));
    case "open":
      return chosen(({ isOpen }) => isOpen);
    case "unknown":
      // of a place that none has, or after the last one in a free place
      return pick % 2 === 0 || closed === 0n ? UNKNOWN_ORDER : closed + 1n;
    case "other asset":
      return closed ^ (1n << 16n);
  }
}

function openOrder(context: Context, action: Extract<Action, { do: "openOrder" }>): Command {
  const { system } = context;
  const payer = system.account(action.payer);
  const terms = termsOf(context, action);
  const { asset } = terms;
  const open = (applied: World) => {
    escrow.openOrder(applied, payer, terms);
  };
  if (action.permit === "none") {
    return { from: payer, contract: "escrow", method: "openOrder", args: [terms], apply: open };
  }

  const value = escrow.highestDeposit(terms);
  const signed = signPermit(context, payer, asset, value, action.permit);
  return {
    ...{ from: payer, contract: "escrow", method: "openOrderWithPermit", args: [terms, signed] },
    apply: (applied) => {
      // one that fails stops nothing
      if (action.permit === "valid") permit(applied, asset, payer, system.account("escrow"), value);
      open(applied);
    },
  };
}

function signPermit(
  { world, system, at }: Context,
  owner: Address,
  asset: Address,
  value: bigint,
  kind: "valid" | "expired" | "other signer" | "used",
): { deadline: bigint; v: number; r: string; s: string } {
  const nonce = tokenAt(world, asset).nonces.get(owner) ?? 0n;
  const deadline = kind === "expired" ? at - 1n : at;
  const message = { owner, spender: system.account("escrow"), value, deadline };
  const signer = kind === "other signer" ? system.account("deployer") : owner;
  const key = known(system.keys, signer);
  const domain = known(system.tokenDomains, asset);
  const used = { ...message, nonce: kind === "used" ? nonce + 1n : nonce };
  const { v, r, s } = Signature.from(signTyped([key], domain, PERMIT, used)[0]);
  return { deadline, v, r, s };
}

function holderOf({ world, system }: Context, orderId: bigint): Address {
  return world.state.orders.get(orderId)?.holder ?? system.account("stranger");
}

function receiptOf(context: Context, step: ReceiptStep): Receipt {
  const { world, at } = context;
  const orderId = chooseOrder(context, step.order);
  const order = world.state.orders.get(orderId);
  const isOwn = step.node === null && order !== undefined && order.nodeId !== 0n;
  const nodeId = isOwn ? order.nodeId : chooseNode(context, step.node ?? 0);
  const startedAt = order?.startedAt ?? at - 1n;
  const moments = { now: at, start: startedAt, end: order?.endsAt ?? at };
  const measuredAt =
    typeof step.measured === "number"
      ? startedAt + ((at - startedAt) * BigInt(step.measured)) / 1_000n
      : moments[step.measured];
  const share = ((order?.tuAmount ?? 0n) * BigInt(step.percent)) / 100n;
  const cumulativeTU = share + BigInt(step.extra);
  return {
    orderId,
    nodeId,
    cumulativeTU: min(cumulativeTU, MAX_TU),
    measuredAt: max(measuredAt + BigInt(step.offset), 0n),
  };
}

function distinct(receipts: readonly Receipt[]): Receipt[] {
  return [...new Map(receipts.map((receipt) => [Object.values(receipt).join(), receipt])).values()];
}

function submission(context: Context, root: string, receipts: Receipt[], dataHash: string, flaw: Flaw): Command {
  const content = { receiptsRoot: root, dataHash };
  const { signatures, vouches } = vouch(context, "ReceiptBatch", content, flaw);
  return {
    from: context.system.account("stranger"),
    ...{ contract: "oracle", method: "submit", args: [root, dataHash, signatures] },
    apply: (world) => {
      submit(world, root, receipts, dataHash, vouches);
    },
  };
}

/** Final roots four times of five, when there are any at the time. */
function chooseRoot({ world, at }: Context, pick: Pick): string {
  const roots = [...world.state.roots.keys()];
  const then = world.seenAt(at);
  const final = roots.filter((root) => status(then, root).status === Status.Final).reverse();
  return choose(final.length > 0 && (pick ?? 0) % 5 !== 4 ? final : roots, pick, UNKNOWN_ROOT);
}

async function settle(context: Context, action: Extract<Action, { do: "settle" }>): Promise<Command> {
  const { world, system } = context;
  const root = chooseRoot(context, action.root);
  const filed = world.state.roots.get(root)?.receipts ?? [];
  const all = filed.length > 0 ? filed : [{ orderId: 1n, nodeId: 1n, cumulativeTU: 1n, measuredAt: 1n }];
  const some = all.filter((_receipt, i) => (action.leaves >> i) & 1);
  const proven = (await ReceiptTree.of(all)).multiproof(some.length > 0 ? some : all);

  const order = world.state.orders.get(proven.receipts[0].orderId);
  const matching = order?.asset ?? system.account("usd");
  const asset = action.asset === "matching" ? matching : system.account(action.asset);
  let { receipts } = proven;
  if (action.proof === "empty") receipts = [];
  if (action.proof === "tampered") {
    receipts = receipts.map((receipt, i) => (i === 0 ? { ...receipt, nodeId: receipt.nodeId + 1n } : receipt));
  }
  return {
    from: system.account("stranger"),
    ...{ contract: "escrow", method: "settle" },
    args: [asset, root, receipts, proven.proof, proven.proofFlags],
    apply: (applied) => {
      escrow.settle(applied, asset, root, receipts, action.proof !== "tampered" && filed.length > 0);
    },
  };
}

function acknowledge(context: Context, action: Extract<Action, { do: "acknowledge" }>): Command {
  const { world, system } = context;
  const signed = action.acknowledgements.map((step) => acknowledgementOf(context, step));
  const first = world.state.orders.get(signed.at(0)?.orderId ?? 0n);
  const matching = first?.asset ?? system.account("usd");
  const asset = action.asset === "matching" ? matching : system.account(action.asset);
  const refundee = first === undefined ? system.account("stranger") : escrow.refundeeOf(first);
  const from = callerOr(context, action.caller, refundee);
  return {
    ...{ from, contract: "escrow", method: "settleAcknowledged", args: [asset, signed] },
    apply: (applied) => {
      escrow.settleAcknowledged(applied, from, asset, signed);
    },
  };
}

/** Signed by whoever is named, or by the deployer for one who has no key. */
function acknowledgementOf(context: Context, step: AcknowledgementStep): escrow.Acknowledged & { signature: string } {
  const { world, system } = context;
  const orderId = chooseOrder(context, step.order);
  const order = world.state.orders.get(orderId);
  const share = ((order?.tuAmount ?? 0n) * BigInt(step.percent)) / 100n;
  const cumulativeTU = min(share + BigInt(step.extra), MAX_TU);
  const refundee = order === undefined ? system.account("stranger") : escrow.refundeeOf(order);
  const named = callerOr(context, step.signer, refundee);
  const signer = system.keys.has(named) ? named : system.account("deployer");
  const message = { orderId, cumulativeTU: step.signature === "of other TU" ? cumulativeTU ^ 1n : cumulativeTU };
  const [whole] = signTyped([known(system.keys, signer)], system.escrowDomain, ACKNOWLEDGEMENT_TYPE, message);
  const signature = { short: dataSlice(whole, 0, 64), empty: "0x" }[step.signature as "short" | "empty"] ?? whole;
  const isSigned = step.signature !== "empty";
  return { orderId, cumulativeTU, signature, isSigned, signer: step.signature === "valid" ? signer : null };
}
