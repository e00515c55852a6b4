import { deliveredOn, type Delivery, spentOn } from "@turingfog/sdk/ethers";

import type { History, Reading } from "./history";

const SETTLED = /^(Receipt|Acknowledgement)Settled$/;

/** @param id `order/node` */
function deliveryOf(history: History, id: string): Delivery {
  const [order, node] = id.split("/");
  const found = history.order(order).deliveries.find(({ nodeId }) => nodeId === BigInt(node));
  if (found === undefined) throw new Error(`Node ${node} has delivered nothing on order ${order}`);
  return found;
}

export const ORDERS: Record<string, Reading> = {
  "order:tuAmount": (history, id) => history.order(id).tuAmount,
  "order:tuSettled": (history, id) => deliveredOn(history.order(id)),
  "order:unitPrice": (history, id) => history.order(id).unitPrice,
  "order:deposit": (history, id) => history.order(id).deposit,
  "order:earned": (history, id) => spentOn(history.order(id)),
  "order:refund": (history, id) => history.order(id).refund ?? "open",
  "order:refundable": async ({ contracts: { escrow } }, id) => (await escrow.refundable(id)).amount,
  "order:endsAt": (history, id) => history.order(id).endsAt,
  "order:startedAt": (history, id) => history.at(history.order(id).block, history.order(id).logIndex).time,
  "order:stage": (history, id, at) => {
    const { refund, endsAt } = history.order(id);
    if (refund !== undefined) return "closed";
    return endsAt <= at ? "ended" : "open";
  },
  "order:deliveries": (history, id) => BigInt(history.order(id).deliveries.length),
  "order:settlements": (history, id) => {
    const own = history.told.filter(({ name, args }) => SETTLED.test(name) && args.orderId === BigInt(id));
    return BigInt(own.length);
  },
  "order:transfers": (history, id) => {
    const own = history
      .named("Transfer")
      .filter(({ contract, args }) => contract === "escrow" && args.tokenId === BigInt(id));
    return BigInt(own.length);
  },
  "orders:rows": ({ orders }) => BigInt(orders.length),
  "account:orders": ({ orders }, account) => {
    const isOf = (address: string) => address.toLowerCase() === account;
    return BigInt(orders.filter(({ holder, payer }) => isOf(holder) || isOf(payer)).length);
  },
  "delivery:tuSettled": (history, id) => deliveryOf(history, id).tu,
  "delivery:earned": (history, id) => deliveryOf(history, id).earned,
};
