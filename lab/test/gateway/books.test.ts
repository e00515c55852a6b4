import { expect } from "chai";
import { keccak256, toUtf8Bytes } from "ethers";

import { type CardBooks, type CardEntry, closeCardBooks, type OrderEntry } from "../../gateway/books";

const refOf = (session: string) => keccak256(toUtf8Bytes(`stripe:${session}`));

const TERMS = {
  eur: { price: [1_001n, 100n], step: 1n, fee: 50n },
  jpy: { price: [5n, 1n], step: 1n, fee: 50n },
  kwd: { price: [1_001n, 100n], step: 10n, fee: 50n },
} as const;

/**
 * An order of which half was spent, one that cost half of what was quoted and spent nothing, one in a currency of tens, a
 * payment without one, one that a bank took back after its order's rest, and one whose refund came back.
 */
function closedBooks(): CardBooks {
  const entry = (kind: CardEntry["kind"], session: string, amount: bigint, currency = "eur") => {
    return { kind, session, amount, currency };
  };
  const place = { nodeId: 7n, duration: 3_600n };
  const half = { quoted: 100n, deposit: 100n, refund: 50n, ...place };
  return {
    cards: [
      ...[entry("payment", "a", 1_001n), entry("payment", "b", 500n, "jpy"), entry("payment", "c", 1_001n)],
      ...[entry("refund", "a", 450n), entry("refund", "b", 450n, "jpy"), entry("refund", "c", 1_001n)],
      ...[entry("payment", "d", 1_010n, "kwd"), entry("refund", "d", 450n, "kwd")],
      ...[entry("payment", "e", 1_001n), entry("refund", "e", 450n), entry("dispute", "e", 551n)],
      ...[
        entry("payment", "f", 300n),
        entry("refund", "f", 300n),
        entry("refund", "f", -300n),
        entry("refund", "f", 300n),
      ],
    ],
    orders: [
      { orderId: 1n, paymentRef: refOf("a"), ...half },
      { orderId: 2n, paymentRef: refOf("b"), quoted: 100n, deposit: 50n, refund: 50n, ...place },
      { orderId: 4n, paymentRef: refOf("d"), ...half },
      { orderId: 5n, paymentRef: refOf("e"), ...half },
    ],
    sales: new Map(
      [..."abcdef"].map((session) => [session, { ...place, isServed: session !== "c", hasResult: session < "c" }]),
    ),
    terms: TERMS,
  };
}

/** Returns the books with other entries of one session, in the place of its own. */
function having(books: CardBooks, session: string, entries: (own: CardEntry[]) => CardEntry[]): CardBooks {
  const own = books.cards.filter((each) => each.session === session);
  return { ...books, cards: [...books.cards.filter((each) => each.session !== session), ...entries(own)] };
}

/** Returns the books with an order changed. */
function ordering(books: CardBooks, at: number, change: Partial<OrderEntry>): CardBooks {
  return { ...books, orders: books.orders.map((order, i) => (i === at ? { ...order, ...change } : order)) };
}

describe("closeCardBooks", () => {
  it("finds nothing when each payment has one order and its rest, or all of itself back", () => {
    const totals = { sessions: 6, orders: 4, refunds: 7, doubleOrders: 0, doubleRefunds: 0, lostCents: 0n };
    const more = { sentBack: 1, lostDisputes: 1, currencies: ["eur", "jpy", "kwd"] };
    expect(closeCardBooks(closedBooks())).to.deep.equal({ ...totals, ...more, findings: [] });
  });

  const cases: [what: string, change: (books: CardBooks) => CardBooks, found: object][] = [
    [
      "an order that was opened twice",
      (books) => ({ ...books, orders: [...books.orders, { ...books.orders[0], orderId: 3n }] }),
      { doubleOrders: 1 },
    ],
    [
      "an order of no payment",
      (books) => ({ ...books, orders: [...books.orders, { ...books.orders[0], orderId: 3n, paymentRef: refOf("d") }] }),
      { doubleOrders: 1 },
    ],
    [
      "an order beside a full refund",
      (books) => ({ ...books, orders: [...books.orders, { ...books.orders[0], orderId: 3n, paymentRef: refOf("c") }] }),
      { doubleRefunds: 1, lostCents: 551n },
    ],
    [
      "a refund that was given twice",
      (books) => ({ ...books, cards: [...books.cards, books.cards[3]] }),
      { doubleRefunds: 1, lostCents: 450n },
    ],
    [
      "a refund that was not given",
      (books) => having(books, "c", ([payment]) => [payment]),
      { doubleRefunds: 0, lostCents: 1_001n },
    ],
    [
      "a refund that is off by a unit",
      (books) => ({ ...books, cards: books.cards.map((each, i) => (i === 3 ? { ...each, amount: 451n } : each)) }),
      { doubleRefunds: 1, lostCents: 1n },
    ],
    [
      "a rest that is not rounded down as its currency is",
      (books) => having(books, "d", ([payment, refund]) => [payment, { ...refund, amount: 455n }]),
      { doubleRefunds: 1, lostCents: 5n },
    ],
    [
      "a refund of what a bank has taken back",
      (books) => having(books, "e", ([payment, refund, dispute]) => [payment, { ...dispute, amount: 1_001n }, refund]),
      { doubleRefunds: 1, lostCents: 1_001n },
    ],
    [
      "nothing back when a dispute that was lost is won after all",
      (books) => having(books, "e", ([payment, , lost]) => [payment, lost, { ...lost, amount: -lost.amount }]),
      { doubleRefunds: 0, lostCents: 450n },
    ],
    [
      "a refund that was sent back and not given again",
      (books) => having(books, "f", (own) => own.slice(0, 3)),
      { doubleRefunds: 0, lostCents: 300n },
    ],
    [
      "a refund that was given again twice after it was sent back",
      (books) => having(books, "f", (own) => [...own, own[3]]),
      { doubleRefunds: 1, lostCents: 300n },
    ],
    [
      "two refunds of which one was sent back afterwards",
      (books) => having(books, "f", ([payment, refund, back]) => [payment, refund, refund, back]),
      { doubleRefunds: 1, lostCents: 300n },
    ],
  ];
  for (const [what, change, found] of cases) {
    it(`finds ${what}`, () => {
      const closed = closeCardBooks(change(closedBooks()));
      expect(closed).to.include(found);
      expect(closed.findings).to.have.length(1);
    });
  }

  it("finds an order of another node or time than was asked for", () => {
    const [found] = closeCardBooks(ordering(closedBooks(), 0, { nodeId: 8n })).findings;
    expect(found).to.equal("a: order 1 is of node 8 for 3600 s, asked for was node 7 for 3600 s");
    expect(closeCardBooks(ordering(closedBooks(), 1, { duration: 1n })).findings).to.have.length(1);
  });

  it("finds that most orders have no result, but for those that should have none", () => {
    const books = closedBooks();
    const without = (session: string, change: object) =>
      closeCardBooks({
        ...books,
        sales: new Map(books.sales).set(session, { ...books.sales.get(session)!, ...change }),
      });
    expect(without("a", { hasResult: false }).findings).to.deep.equal([
      "1 of 4 orders that should have a result have one, less than one of 2",
    ]);
    expect(without("a", { isServed: false, hasResult: false }).findings).to.have.length(1);
    expect(without("d", { isServed: false }).findings).to.deep.equal([]);
  });

  it("finds an order that is still open", () => {
    expect(closeCardBooks(ordering(closedBooks(), 0, { refund: undefined })).findings[0]).to.equal(
      "a: order 1 is open",
    );
  });

  it("finds an order that was opened at a price that rose above what was paid", () => {
    const { findings } = closeCardBooks(ordering(closedBooks(), 0, { quoted: 200n, deposit: 200n, refund: 100n }));
    expect(findings).to.deep.equal(["a: order 1 was opened at a price of 2002, 1001 eur were paid"]);
  });

  it("finds an order that was paid in another currency than it was quoted in", () => {
    const paid = (currency: string) => (own: CardEntry[]) => own.map((each) => ({ ...each, currency }));
    const found = (currency: string) => closeCardBooks(having(closedBooks(), "b", paid(currency))).findings[0];
    expect(found("eur")).to.equal("b: order 2 was opened at a price of 1001, 500 eur were paid");
    expect(found("usd")).to.equal("b: order 2 was opened at a price of nothing that is sold, 500 usd were paid");
  });

  it("finds that too few payments have an order, though all of them are back", () => {
    const cards = Array.from({ length: 6 }, (_, i) => {
      const entry = { session: String(i), amount: 1_001n, currency: "eur" };
      return [{ ...entry, kind: "payment" } as const, { ...entry, kind: "refund" } as const];
    }).flat();
    const { findings } = closeCardBooks({ cards, orders: [], sales: new Map(), terms: TERMS });
    expect(findings).to.deep.equal(["0 orders of 6 payments are less than one of 5"]);
  });
});
