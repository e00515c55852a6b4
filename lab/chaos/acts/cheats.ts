import { DAY, TU } from "@turingfog/sdk";
import { type Reading, type Signed } from "@turingfog/sdk/wire";
import { id } from "ethers";

import { openOrder } from "../../../test/helpers/market";
import { PRICES } from "../genesis";
import type { Act, Cast } from "./act";

/** TU of an order that nobody delivers as a whole. */
const MANY = 1_000n * TU;

/** Readings of a chain, a minute apart. */
const TIMES = 3;

/** Nodes that say more than they did, beside one on the same order that does not. */
export const cheatingNodes: Act = {
  name: "nodes that cheat",
  line: "node",
  async play(cast) {
    const names = await Promise.all([contradict(cast), sellTwice(cast), withhold(cast), workTogether(cast)]);
    return `refused as ${names[0].join(", ")}; who worked honestly on the same order was paid`;
  },
};

/** Sells one time on two orders, and on one of them more than the node can do. */
async function sellTwice({ meters: { seller } }: Cast): Promise<void> {
  const orders = [await seller.open({ tuAmount: MANY }), await seller.open({ tuAmount: MANY })];
  await Promise.all([
    seller.measure(orders[0], TIMES, (possible) => 2n * possible),
    seller.measure(orders[1], TIMES, (possible) => possible),
  ]);
}

/** Says that all was done, and never hands the result in. */
async function withhold({ meters: { withholder } }: Cast): Promise<void> {
  const tuAmount = (withholder.ratePerDay * 60n) / DAY;
  await withholder.measure(await withholder.open({ tuAmount, jobHash: id("job") }), TIMES, (possible) => possible);
}

/** Works on a joint order, honestly and beside a node that does not. */
async function workTogether({ world, meters: { worker, equivocator } }: Cast): Promise<void> {
  const { protocol, chain } = world;
  const { tft, escrow } = protocol.contracts;
  const terms = { nodeId: 0n, maxUnitPrice: PRICES.tft, tuAmount: MANY, duration: DAY / 2n };
  const orderId = await chain.alone(() => openOrder(protocol, protocol.actors.renters[0], tft, terms));
  const { startedAt } = await escrow.order(orderId);
  for (const meter of [worker, equivocator]) meter.join(orderId, MANY, startedAt);
  await worker.measure(orderId, TIMES, (possible) => possible);
}

/** Posts what no signer may take, and at the end contradicts itself. Returns the names of the answers. */
async function contradict(cast: Cast): Promise<string[]> {
  const { world, renter, meters } = cast;
  const { equivocator } = meters;
  const own = await equivocator.open({ tuAmount: MANY });
  const other = await equivocator.open({ tuAmount: MANY });
  await equivocator.measure(own, 2, (possible) => possible);
  const readings = equivocator.orders.get(own)?.readings ?? [];
  const [first, last] = readings;
  const next = (orderId: bigint, differing: Partial<Reading> = {}) =>
    equivocator.next(orderId, last.cumulativeTU, differing);
  const soon = last.measuredAt + 60n;
  const { startedAt } = await world.protocol.contracts.escrow.order(other);

  const wrong: [answer: string, make: () => Promise<Signed<Reading>>][] = [
    ["known", async () => first],
    ["bad-signature", async () => ({ ...first, orderId: other, measuredAt: last.measuredAt })],
    ["before-start", () => next(other, { measuredAt: startedAt - 60n })],
    ["too-soon", () => next(own, { measuredAt: last.measuredAt + 30n })],
    ["falling-tu", () => next(own, { measuredAt: soon, cumulativeTU: last.cumulativeTU - 1n })],
    ["broken-chain", () => next(own, { sequence: last.sequence + 2n })],
    ["ahead-of-time", () => next(own, { measuredAt: world.seconds + 600n })],
    ["unknown-order", () => next(1n)],
    ["other-node", () => next(renter.rented[0].orderId)],
    [
      "equivocation",
      () =>
        next(own, {
          sequence: first.sequence,
          previous: first.previous,
          measuredAt: first.measuredAt,
          cumulativeTU: 1n,
        }),
    ],
    ["stopped-node", () => next(own)],
  ];
  for (const [answer, make] of wrong) await expectAnswer(cast, answer, make);
  return wrong.map(([answer]) => answer);
}

/** Posts a reading until some signer gives an answer: those that were killed or lag behind give none, or another one. */
async function expectAnswer(
  { world, meters: { equivocator } }: Cast,
  name: string,
  make: () => Promise<Signed<Reading>>,
): Promise<void> {
  const isGiven = async () => (await equivocator.post([await make()])).includes(name) || undefined;
  await world.until(`The answer ${name}`, isGiven, 20);
}
