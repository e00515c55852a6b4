import { rowsOf, type RowsOf } from "./sql";

/** The columns of an order that lists show. */
const COLUMNS = [
  ...(["id", "status", "nodeId", "payer", "holder", "asset", "tuAmount", "unitPrice", "deposit"] as const),
  ...(["tuSettled", "earned", "startedAt", "endsAt", "refundTo", "transactionHash"] as const),
] as const;

/** Returns the question for orders. */
export function ordersWhere(rest: string) {
  return rowsOf("orders", COLUMNS, { nullable: ["stoppedAt", "closedAt", "refund"], rest });
}

export type OrderRow = RowsOf<ReturnType<typeof ordersWhere>>[number];

/** How far an order is: it runs, has ended and waits to be closed, or is closed. */
export type OrderStage = "open" | "ended" | "closed";

export function stageOf({ status, endsAt }: Pick<OrderRow, "status" | "endsAt">, time: bigint): OrderStage {
  if (status === "closed") return "closed";
  return BigInt(endsAt) <= time ? "ended" : "open";
}

export const STAGE_TONES = { open: "good", ended: "wait", closed: "plain" } as const;
