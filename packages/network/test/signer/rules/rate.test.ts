import { evaluate, type RuledReceipt } from "@turingfog/network";
import { expect } from "chai";

import { chain, facts, node, order, START, TU, type World } from "./world";

describe("the rules of metering, after many batches", () => {
  it("look at each receipt that was signed a few times, however many readings and orders there are", () => {
    const ids = [1n, 2n, 3n, 4n];
    const world: World = {
      orders: ids.map((orderId) => order({ orderId })),
      nodes: [node({ nodeId: 1n, ratePerDay: TU })],
    };
    const chains = ids.map((orderId) =>
      chain(
        orderId,
        1n,
        Array.from({ length: 400 }, (_, i) => [60n * (BigInt(i) + 1n) + orderId, 10n ** 12n * BigInt(i)] as const),
      ),
    );
    let looks = 0;
    const signed = Array.from({ length: 200 }, (_, i) => ({
      get measuredAt() {
        ++looks;
        return START + 120n * BigInt(i);
      },
      batch: BigInt(i),
    }));
    evaluate(chains, { ...facts(world), signed: (): RuledReceipt[] => signed });
    expect(looks).to.be.below(50 * signed.length * ids.length);
  });
});
