import { expect } from "chai";
import fc from "fast-check";

import { evaluate, type RuledOrder } from "@turingfog/network";
import { chain, DAY, facts, node, order, START, TU } from "./world";

const SEED = Number(process.env.SEED ?? 1);
const RUNS = Number(process.env.FUZZ_INPUTS ?? 2_000) / 10;
const SPAN = 900n;

interface Given {
  startsAfter: bigint;
  acknowledgedTU: bigint;
  signedUntil: bigint;
  steps: { seconds: bigint; tu: bigint }[];
}

const amount = fc.bigInt({ min: 0n, max: TU / 50n });
const given: fc.Arbitrary<Given> = fc.record({
  startsAfter: fc.bigInt({ min: 0n, max: 200n }),
  acknowledgedTU: fc.oneof(fc.constant(0n), amount),
  signedUntil: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: SPAN })),
  steps: fc.array(fc.record({ seconds: fc.bigInt({ min: 60n, max: 200n }), tu: amount }), {
    minLength: 1,
    maxLength: 5,
  }),
});

/** The rule of rates said again, second by second, in 2^-64 of a base unit: what each order of a node counts in all. */
function countBySeconds(orders: readonly { terms: RuledOrder; given: Given }[], ratePerDay: bigint): bigint[] {
  const FINE = 2n ** 64n;
  const perSecond = (ratePerDay * 11n * FINE) / (10n * DAY);
  const parts = orders.map(({ given: { steps, acknowledgedTU }, terms }) => {
    let [from, told] = [terms.startedAt, 0n];
    return steps.map(({ seconds, tu }) => {
      const free = acknowledgedTU > told ? (acknowledgedTU - told < tu ? acknowledgedTU - told : tu) : 0n;
      const part = { from, until: from + seconds, free, each: ((tu - free) * FINE) / seconds };
      [from, told] = [from + seconds, told + tu];
      return part;
    });
  });
  const total = parts.map((each) => each.reduce((sum, { free }) => sum + free * FINE, 0n));
  for (let second = START; second < START + 2n * SPAN; ++second) {
    const now = parts.flatMap((each, i) => {
      const part = each.find(({ from, until }) => from <= second && second < until);
      const { terms, given: said } = orders[i];
      const wasSigned = part !== undefined && part.until <= START + said.signedUntil;
      return part === undefined ? [] : [{ i, part, key: [wasSigned ? 0n : 1n, terms.startedAt, terms.orderId] }];
    });
    now.sort((a, b) => {
      for (let k = 0; k < 3; ++k) if (a.key[k] !== b.key[k]) return a.key[k] < b.key[k] ? -1 : 1;
      return 0;
    });
    let left = perSecond;
    for (const { i, part } of now) {
      const taken = part.each < left ? part.each : left;
      total[i] += taken;
      left -= taken;
    }
  }
  return total.map((sum) => sum / FINE);
}

describe("the rules of metering, on random readings", () => {
  it(`count what a count second by second says, at most 1.1 times the rate at any time (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(given, { minLength: 1, maxLength: 4 }), amount, (all, spare) => {
        const ratePerDay = TU + spare * 500n;
        const orders = all.map((each, i) => ({
          given: each,
          terms: order({
            orderId: BigInt(i) + 1n,
            startedAt: START + each.startsAfter,
            acknowledgedTU: each.acknowledgedTU,
          }),
        }));
        const chains = orders.map(({ terms, given: { steps, startsAfter } }) => {
          let [seconds, tu] = [startsAfter, 0n];
          return chain(
            terms.orderId,
            1n,
            steps.map((step) => [(seconds += step.seconds), (tu += step.tu)] as const),
          );
        });
        const signed = orders.map(({ terms: { orderId }, given: { signedUntil } }) => ({
          orderId,
          measuredAt: START + signedUntil,
          batch: 1n,
        }));
        const nodes = [node({ nodeId: 1n, ratePerDay })];
        const verdicts = evaluate(chains, facts({ orders: orders.map(({ terms }) => terms), nodes, signed }));

        const counted = verdicts.map(({ points }) => points.at(-1)?.countedTU ?? 0n);
        countBySeconds(orders, ratePerDay).forEach((expected, i) => {
          // each part of a claim is rounded down: there are at most 40 of them, and the free one is exact
          expect(Number(expected - counted[i])).to.be.within(-40, 40);
        });
        const beyond = counted.map((sum, i) => {
          const claimed = orders[i].given.steps.reduce((told, { tu }) => told + tu, 0n);
          const { acknowledgedTU } = orders[i].terms;
          return sum - (acknowledgedTU < claimed ? acknowledgedTU : claimed);
        });
        const most = (ratePerDay * 11n * 1_200n) / (10n * DAY);
        expect(beyond.reduce((sum, each) => sum + each, 0n) <= most).to.equal(true);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it(`count on a joint order in all the least of what was ordered and what each counts alone (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(given, { minLength: 1, maxLength: 4 }), amount, (all, spare) => {
        const tuAmount = spare + 1n;
        const nodes = all.map((_, i) => node({ nodeId: BigInt(i) + 1n, ratePerDay: TU }));
        const chains = all.map(({ steps }, i) => {
          let [seconds, tu] = [0n, 0n];
          const points = steps.map((step) => [(seconds += step.seconds), (tu += step.tu)] as const);
          return chain(1n, BigInt(i) + 1n, points);
        });
        const counted = (ordered: bigint) => {
          const orders = [order({ orderId: 1n, nodeId: 0n, tuAmount: ordered })];
          return evaluate(chains, facts({ orders, nodes })).map(({ points }) => points.at(-1)?.countedTU ?? 0n);
        };
        const sum = (values: bigint[]) => values.reduce((total, each) => total + each, 0n);
        const alone = sum(counted(2n ** 96n - 1n));
        expect(sum(counted(tuAmount))).to.equal(alone < tuAmount ? alone : tuAmount);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});
