import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { burnUpTo } from "../helpers/lifetime";
import { earn, openOrder, registerNode, startEpoch } from "../helpers/market";
import { deliver } from "../helpers/orders";
import { Purse } from "./ledger";
import { lotOf, payOut } from "./lots";
import { coalitionBound, destroy, divide, E1, E2, part, TFT } from "./predictions";

/** One who is renter, miner and operations burns amounts one by one, and claims after each. */
async function playUnits(protocol: Protocol, scenario: string, before: bigint, amounts: readonly bigint[]) {
  const { tft, controller, vault } = protocol.contracts;
  const { renters, miners, operations } = protocol.actors;
  await vault.payOperations();
  const purse = await Purse.of([tft], renters[0], miners[0], operations);

  let [burned, paid, back, bound] = [before, 0n, 0n, 0n];
  for (const amount of amounts) {
    const round = await earn(protocol, [{ asset: tft, amount, miner: miners[0], payer: renters[0] }]);
    await startEpoch(protocol);
    await controller.burn(round);
    await payOut(protocol, round, tft, [miners[0]]);

    const destruction = destroy(amount, burned);
    burned += destruction.burned;
    paid += amount;
    back += destruction.released + destruction.distributed;
    bound += coalitionBound(destruction);
  }
  await purse.expectOutcome({
    adversary: "unit gamer",
    scenario,
    paid: { TFT: paid },
    predicted: { TFT: back },
    bound: { TFT: bound < paid ? bound : paid },
  });
}

describe("A gamer of single units", () => {
  it("gains nothing by the first units ever burned [T27]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);

    await playUnits(protocol, "the first units", 0n, [1n, 1n, 1n, 1n, 1n, 2n, 3n, 4n]);
  });

  it("gains nothing by the last units of production mining and the first ones after it [T27]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    await burnUpTo(protocol, E1 - 7n);

    await playUnits(protocol, "around the end of production mining", E1 - 7n, [1n, 3n, 1n, 3n, 1n, 1n, 2n]);
  });

  it("gains nothing by an amount that ends production mining with its first unit, or all but its last", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    await burnUpTo(protocol, E1 - 1n);

    await playUnits(protocol, "across the end of production mining", E1 - 1n, [1_000_001n]);
  });

  it("gains nothing by the last units ever burned and the first ones after them [T27]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    await burnUpTo(protocol, E2 - 4n);

    await playUnits(protocol, "around the end of burning", E2 - 4n, [1n, 2n, 3n, 2n, 1n, 2n]);
  });
});

describe("A faker of cheap TU", () => {
  it("gets the part of the reward that his own sales burned, however many TU he claims [T13]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, controller } = protocol.contracts;
    const { renters, miners } = protocol.actors;
    const [honest, faker] = miners;
    const purse = await Purse.of([tft], renters[1], faker);

    // 10 TU honestly sold at 100, 90 that nobody computed at 0.01
    await startEpoch(protocol);
    const honestNode = await registerNode(protocol, honest);
    const fakeNode = await registerNode(protocol, faker);
    const sold = await openOrder(protocol, renters[0], tft, { tuAmount: 10n * TU, maxUnitPrice: 100n * TFT });
    const fake = await openOrder(protocol, renters[1], tft, { tuAmount: 90n * TU, maxUnitPrice: TFT / 100n });
    await time.increase(2n * HOUR);
    const measuredAt = BigInt(await time.latest());
    await deliver(protocol, tft, [
      { orderId: sold, nodeId: honestNode, cumulativeTU: 10n * TU, measuredAt },
      { orderId: fake, nodeId: fakeNode, cumulativeTU: 90n * TU, measuredAt },
    ]);
    await startEpoch(protocol);
    const { round } = await lotOf(protocol, tft);
    await controller.burn(round);
    await payOut(protocol, round, tft, [honest, faker]);

    const weight = (90n * TFT) / 100n;
    const all = 1_000n * TFT + weight;
    const { reward } = divide(destroy(all, 0n));
    await purse.expectOutcome({
      adversary: "cheap-TU faker",
      scenario: "90 TU at 0.01 beside 10 TU at 100",
      paid: { TFT: weight },
      predicted: { TFT: part(reward, weight, all) },
      bound: { TFT: (weight * 8n) / 10n },
    });
  });
});
