import { expect } from "chai";
import { keccak256, toUtf8Bytes } from "ethers";

import { type CardBooks, closeCardBooks } from "../../gateway/books";

const refOf = (session: string) => keccak256(toUtf8Bytes(`stripe:${session}`));

/** An order of which half was spent, one that cost half of what was quoted and spent nothing, and a payment without one. */
function closedBooks(): CardBooks {
  return {
    cards: [
      { kind: "payment", session: "a", amount: 1_001n },
      { kind: "payment", session: "b", amount: 500n },
      { kind: "payment", session: "c", amount: 700n },
      { kind: "refund", session: "a", amount: 450n },
      { kind: "refund", session: "b", amount: 450n },
      { kind: "refund", session: "c", amount: 700n },
    ],
    orders: [
      { orderId: 1n, paymentRef: refOf("a"), quoted: 100n, deposit: 100n, refund: 50n },
      { orderId: 2n, paymentRef: refOf("b"), quoted: 100n, deposit: 50n, refund: 50n },
    ],
    fee: 50n,
  };
}

describe("closeCardBooks", () => {
  it("finds nothing when each payment has one order and its rest, or all of itself back", () => {
    const totals = { sessions: 3, orders: 2, refunds: 3, doubleOrders: 0, doubleRefunds: 0, lostCents: 0n };
    expect(closeCardBooks(closedBooks())).to.deep.equal({ ...totals, findings: [] });
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
      { doubleRefunds: 1, lostCents: 400n },
    ],
    [
      "a refund that was given twice",
      (books) => ({ ...books, cards: [...books.cards, books.cards[3]] }),
      { doubleRefunds: 1, lostCents: 450n },
    ],
    ["a refund that was not given", (books) => ({ ...books, cards: books.cards.slice(0, 5) }), { lostCents: 700n }],
    [
      "a refund that is off by a unit",
      (books) => ({ ...books, cards: books.cards.map((each, i) => (i === 3 ? { ...each, amount: 451n } : each)) }),
      { doubleRefunds: 1, lostCents: 1n },
    ],
  ];
  for (const [what, change, found] of cases) {
    it(`finds ${what}`, () => {
      const closed = closeCardBooks(change(closedBooks()));
      expect(closed).to.include(found);
      expect(closed.findings).to.have.length(1);
    });
  }

  it("finds an order that is still open", () => {
    const books = closedBooks();
    const orders = books.orders.map((order, i) => (i === 0 ? { ...order, refund: undefined } : order));
    expect(closeCardBooks({ ...books, orders }).findings[0]).to.equal("a: order 1 is open");
  });
});
