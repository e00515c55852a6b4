import { ASSETS } from "./assets";
import { rowsBy, rowsOf, type RowsOf } from "./sql";

/** Destructions that the table lists at most. Anybody can fill a lot in many small parts, each of which is one. */
const MOST = 500;

/** Points of a curve at most: one for each equal part of the time. */
const PARTS = 300;

export const SUPPLY = {
  supply: rowsOf("supply", ["burned", "released", "bought"]),
  destructions: rowsOf(
    "destructions",
    [
      ...(["id", "bucketId", "round", "asset", "bought", "burned", "released", "operations", "reward"] as const),
      ...(["totalBought", "totalBurned", "totalReleased", "time", "transactionHash"] as const),
    ],
    { rest: `order by t.id desc limit ${MOST}` },
  ),
  points: rowsBy(
    `select d.time "time", d.total_burned "totalBurned", d.total_released "totalReleased" from destructions d join (
       select max(e.id) id from destructions e
       cross join (select min(f.time) begun, max(f.time) ended from destructions f) span
       group by width_bucket(e.time, span.begun, span.ended + 1, ${PARTS})
     ) l on l.id = d.id order by d.id`,
    ["time", "totalBurned", "totalReleased"],
  ),
  genesis: rowsOf("rounds", ["openedAt"], { rest: "order by t.opened_at limit 1" }),
  assets: ASSETS,
};

export type Destruction = RowsOf<typeof SUPPLY.destructions>[number];
export type SupplyPoint = RowsOf<typeof SUPPLY.points>[number];
