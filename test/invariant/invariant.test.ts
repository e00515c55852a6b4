import { expect } from "chai";

import { BEGINNINGS, campaign, describeSummary, itByForge, merge, type Summary } from "./campaign";
import { ACTIONS, SIGHTS } from "./expected";

/** Of the first of as many campaigns as there are beginnings; any other can be given by env SEED. */
const SEED = Number(process.env.SEED ?? 1);
const RUNS = 2;

describe("Statements on random histories of the protocol", () => {
  itByForge("hold after every call of a quick campaign, through every action and situation", async (forge) => {
    const summaries: Summary[] = [];
    for (let i = 0; i < BEGINNINGS; ++i) summaries.push(await campaign(forge, RUNS, SEED + i));
    const summary = merge(summaries);
    console.log(
      describeSummary(summary)
        .map((line) => `      ${line}`)
        .join("\n"),
    );

    expect(summary.failures.join("\n"), "what forge found").to.equal("");
    expect(summary.reverts, "handlers that reverted").to.equal(0);
    const tallies = Object.entries(summary.actions);
    const done = tallies.filter(([name, tally]) => tally.done > 0 || name === "trespass");
    expect(done.map(([name]) => name).sort(), "actions done").to.deep.equal([...ACTIONS].sort());
    expect(Object.keys(summary.sights).sort(), "situations met").to.deep.equal([...SIGHTS].sort());
    const refused = tallies.reduce((total, [, tally]) => total + tally.refused, 0);
    expect(refused / summary.calls, "refused calls").to.be.below(0.2);
  });
});
