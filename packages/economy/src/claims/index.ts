import type { Table } from "../table.js";
import { theAuction, theFreeze } from "./auction.js";
import type { Claim } from "./claim.js";
import { theReference } from "./reference.js";
import { theClearing, theCoalition, theFaker, theSeries, theWay } from "./rules.js";
import { theRuns } from "./runs.js";

export type { Claim } from "./claim.js";

/** Measures every claim: those of the rules at once, those of an economy on all cores. */
export async function measureClaims(progress: (done: number, all: number) => void): Promise<Claim[]> {
  const ruled = [theCoalition, theFaker, theSeries, theWay, theClearing, theAuction, theFreeze, theReference];
  const lived = await theRuns(progress);
  return [...lived, ...ruled.map((measure) => measure())];
}

/** Returns the table of claims, and those that have more of it. */
export function claimTables(claims: readonly Claim[]): Table[] {
  const rows = claims.map(({ id, text, figure, worst }) => [id, text, figure, worst]);
  return [
    { title: "Claims", columns: ["claim", "what docs/mechanism.md says", "figure", "worst case"], rows },
    ...claims.flatMap(({ tables }) => tables),
  ];
}
