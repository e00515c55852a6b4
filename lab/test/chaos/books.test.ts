import { expect } from "chai";

import { type Books, closeBooks } from "../../chaos/books";

const TU = 10n ** 18n;
const DAY = 86_400n;

/** Two nodes of 1 TU a day, an order of each that was delivered by half in half a day, and one bucket of both. */
function closedBooks(): Books {
  const order = { tuAmount: TU, unitPrice: 20n, deposit: 20n, startedAt: 0n, endsAt: DAY, refund: 10n };
  const settled = { bucketId: 1n, settledTU: TU / 2n, earned: 10n };
  const meter = { workedTU: TU / 2n, owedTU: TU / 2n, until: DAY / 2n };
  return {
    orders: [
      { orderId: 1n, ...order },
      { orderId: 2n, ...order },
    ],
    settlements: [
      { orderId: 1n, nodeId: 1n, payout: "alice", ...settled },
      { orderId: 2n, nodeId: 2n, payout: "bob", ...settled },
    ],
    meters: [
      { orderId: 1n, nodeId: 1n, ...meter },
      { orderId: 2n, nodeId: 2n, ...meter },
    ],
    buckets: [{ bucketId: 1n, reward: 7n }],
    payouts: [
      { to: "alice", amount: 3n },
      { to: "bob", amount: 3n },
    ],
    rates: new Map([
      [1n, TU],
      [2n, TU],
    ]),
  };
}

/** Returns the books with one entry of a list changed. */
function changed<K extends "orders" | "settlements" | "meters" | "buckets" | "payouts">(
  list: K,
  index: number,
  change: Partial<Books[K][number]>,
): Books {
  const books = closedBooks();
  return { ...books, [list]: books[list].map((entry, i) => (i === index ? { ...entry, ...change } : entry)) };
}

function kinds(books: Books): string[] {
  return [...new Set(closeBooks(books).map(({ kind }) => kind))].sort();
}

describe("closeBooks", () => {
  it("finds nothing if all work was paid once", () => {
    expect(closeBooks(closedBooks())).to.deep.equal([]);
  });

  it("finds nothing if a cheat was paid less than it claims", () => {
    expect(kinds(changed("meters", 0, { workedTU: TU, owedTU: 0n }))).to.deep.equal([]);
  });

  it("finds nothing if an order was settled in two parts", () => {
    const books = closedBooks();
    const [first, second] = books.settlements;
    const parts = [
      { ...first, settledTU: TU / 4n, earned: 5n },
      { ...first, earned: 5n },
    ];
    expect(kinds({ ...books, settlements: [...parts, second] })).to.deep.equal([]);
  });

  const FINDINGS: [string, Books, string[]][] = [
    ["work that is not settled", changed("meters", 0, { workedTU: TU, owedTU: TU }), ["lost"]],
    [
      "an order without a settlement",
      { ...closedBooks(), settlements: closedBooks().settlements.slice(1) },
      ["lost", "paid twice"],
    ],
    [
      "an order that has earned less than its price, and given the rest back",
      {
        ...changed("settlements", 0, { earned: 9n }),
        orders: changed("orders", 0, { refund: 11n }).orders,
      },
      ["lost"],
    ],
    ["an order that is open", changed("orders", 0, { refund: undefined }), ["lost"]],
    ["a refund that is too small", changed("orders", 0, { refund: 9n }), ["lost"]],
    ["a miner who was rewarded too little", changed("payouts", 1, { amount: 2n }), ["lost"]],
    ["a bucket without a reward", { ...closedBooks(), buckets: [], payouts: [] }, ["lost"]],

    [
      "a miner who was rewarded twice",
      { ...closedBooks(), payouts: [...closedBooks().payouts, closedBooks().payouts[0]] },
      ["paid twice"],
    ],
    [
      "a reward of somebody who has earned nothing",
      { ...closedBooks(), payouts: [...closedBooks().payouts, { to: "eve", amount: 1n }] },
      ["paid twice"],
    ],
    [
      "a settlement that is there twice",
      { ...closedBooks(), settlements: [...closedBooks().settlements, closedBooks().settlements[0]] },
      ["lost", "paid twice"],
    ],
    [
      "a settlement of what was settled before",
      {
        ...closedBooks(),
        settlements: [...closedBooks().settlements, { ...closedBooks().settlements[0], earned: 0n }],
      },
      ["paid twice"],
    ],
    ["a refund of what was earned", changed("orders", 0, { refund: 20n }), ["paid twice"]],
    ["an order that gave more than it has", changed("orders", 0, { tuAmount: TU / 4n }), ["paid twice"]],

    ["work that no meter has counted", { ...closedBooks(), meters: closedBooks().meters.slice(1) }, ["never worked"]],
    [
      "more work than the meter has counted",
      changed("meters", 0, { workedTU: TU / 4n, owedTU: TU / 4n }),
      ["never worked"],
    ],

    ["a node that was faster than rated", changed("meters", 0, { until: DAY / 3n }), ["too fast"]],
    ["a node whose rate is unknown", { ...closedBooks(), rates: new Map([[1n, TU]]) }, ["too fast"]],
  ];
  for (const [what, books, expected] of FINDINGS) {
    it(`finds ${what}`, () => {
      expect(kinds(books)).to.deep.equal(expected);
    });
  }

  it("finds a node that sells one time on two orders, each of which it could have done", () => {
    const books = closedBooks();
    const own = <T extends object>(list: readonly T[]) => list.map((entry) => ({ ...entry, nodeId: 1n }));
    const both = { ...books, settlements: own(books.settlements), meters: own(books.meters) };
    expect(kinds(both)).to.deep.equal(["too fast"]);
  });

  it("names the order, the node and both amounts", () => {
    const [{ what }] = closeBooks(changed("meters", 0, { workedTU: TU, owedTU: TU }));
    expect(what).to.equal(`order 1, node 1: ${TU} TU were worked, ${TU / 2n} are settled`);
  });
});
