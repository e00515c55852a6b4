import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, min } from "@turingfog/sdk";
import { expect } from "chai";

import { type Actors, deployProtocolFixture, type Protocol, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { burnUpTo } from "../helpers/lifetime";
import { earn, startEpoch } from "../helpers/market";
import { Purse } from "./ledger";
import { buyAt, openLot, payOut } from "./lots";
import {
  ageAt,
  coalitionBound,
  destroy,
  divide,
  E1,
  E2,
  FULL_PROCEEDS,
  owed,
  part,
  sharedBound,
  TFT,
  USD,
} from "./predictions";

const STAKE = 1_000_000n * TFT + 7n;
const CROWD = 3_000_000n * TFT + 11n;

const USD_STAKE = 50_000n * USD + 1n;
const USD_CROWD = 120_000n * USD + 3n;

/** Where in the token's life the coalition plays, by what was burned before. */
const TIMES = [
  ["in production mining", 0n],
  ["across the end of production mining", E1 - 300_000n * TFT - 1n],
  ["in buyback distribution", E1 + 1n],
  ["across the end of burning", E2 - 200_000n * TFT - 1n],
  ["in maturity", E2],
] as const;

/** One party that is renter, miner, operations and bidder. */
function coalitionOf({ renters, miners, operations, bidder }: Actors) {
  return { renter: renters[0], miner: miners[0], operations, bidder };
}

async function atTime(burned: bigint): Promise<Protocol> {
  const protocol = await loadFixture(deployProtocolFixture);
  if (burned > 0n) await burnUpTo(protocol, burned);
  // what operations are owed so far is not the coalition's gain
  await protocol.contracts.vault.payOperations();
  return protocol;
}

describe("A coalition of renter, miner, operations and bidder", () => {
  for (const [when, burned] of TIMES) {
    it(`gets back what its own TFT release or leave ${when}, alone`, async () => {
      const protocol = await atTime(burned);
      const { tft, controller } = protocol.contracts;
      const { renter, miner, operations, bidder } = coalitionOf(protocol.actors);
      const purse = await Purse.of([tft], renter, miner, operations, bidder);

      const round = await earn(protocol, [{ asset: tft, amount: STAKE, miner, payer: renter }]);
      await startEpoch(protocol);
      await controller.burn(round);
      await payOut(protocol, round, tft, [miner]);

      const destruction = destroy(STAKE, burned);
      await purse.expectOutcome({
        adversary: "coalition, alone",
        scenario: `TFT, ${when}`,
        paid: { TFT: STAKE },
        predicted: { TFT: destruction.released + destruction.distributed },
        bound: { TFT: coalitionBound(destruction) },
      });
    });

    it(`gets no more for its own TFT beside an honest crowd ${when} [T19]`, async () => {
      const protocol = await atTime(burned);
      const { tft, controller } = protocol.contracts;
      const { renters, miners } = protocol.actors;
      const { renter, miner, operations, bidder } = coalitionOf(protocol.actors);
      const purse = await Purse.of([tft], renter, miner, operations, bidder);

      const round = await earn(protocol, [
        { asset: tft, amount: STAKE, miner, payer: renter },
        { asset: tft, amount: CROWD, miner: miners[1], payer: renters[1] },
      ]);
      await startEpoch(protocol);
      await controller.burn(round);
      await payOut(protocol, round, tft, [miner, miners[1]]);

      const destruction = destroy(STAKE + CROWD, burned);
      const { operations: income, reward } = divide(destruction);
      const { operations: anyway } = divide(destroy(CROWD, burned));
      await purse.expectOutcome({
        adversary: "coalition, in a crowd",
        scenario: `TFT, ${when}`,
        paid: { TFT: STAKE },
        anyway: { TFT: anyway },
        predicted: { TFT: part(reward, STAKE, STAKE + CROWD) + income - anyway },
        bound: { TFT: min(STAKE, sharedBound(destruction, STAKE, STAKE + CROWD) - anyway) },
      });
    });
  }

  for (const [when, burned] of TIMES.filter(([name]) => name.startsWith("in "))) {
    it(`gains nothing by giving up a part of its own lot instead of buying it ${when}`, async () => {
      const protocol = await atTime(burned);
      const { tft, usd, controller } = protocol.contracts;
      const { renter, miner, operations, bidder } = coalitionOf(protocol.actors);
      const purse = await Purse.of([tft, usd], renter, miner, operations, bidder);

      const lot = await openLot(protocol, usd, [{ amount: USD_STAKE, miner, payer: renter }]);
      const kept = (USD_STAKE * 3n) / 5n;
      await buyAt(protocol, bidder, lot, ageAt(3n), kept);
      await time.increaseTo(lot.start + 30n * DAY);
      await controller.connect(bidder).writeOff(usd, lot.round);
      await payOut(protocol, lot.round, usd, [miner]);

      // what it paid comes back by the rule of the phase; what it gave up is gone
      const bought = owed(kept, USD_REFERENCE_PRICE, 3n);
      const destruction = destroy(bought, burned);
      await purse.expectOutcome({
        adversary: "coalition, alone",
        scenario: `its own lot given up in part, ${when}`,
        paid: { TFT: bought, USD: USD_STAKE },
        predicted: { TFT: destruction.released + destruction.distributed, USD: kept },
        bound: { TFT: coalitionBound(destruction), USD: USD_STAKE },
      });
    });

    it(`pays for moving the reference with its own lots what destroying TFT costs ${when}`, async () => {
      const protocol = await atTime(burned);
      const { tft, usd, controller } = protocol.contracts;
      const { renter, miner, operations, bidder } = coalitionOf(protocol.actors);
      const purse = await Purse.of([tft, usd], renter, miner, operations, bidder);

      let [bought, back, bound, before] = [0n, 0n, 0n, burned];
      for (const halvings of [1n, 1n, 5n, 5n]) {
        const lot = await openLot(protocol, usd, [{ amount: 400n * USD, miner, payer: renter }]);
        const { referencePrice } = await controller.lot(usd);
        await buyAt(protocol, bidder, lot, ageAt(halvings), 400n * USD);
        await payOut(protocol, lot.round, usd, [miner]);
        const cost = owed(400n * USD, referencePrice, halvings);
        expect(cost).to.be.at.least(FULL_PROCEEDS);
        const destruction = destroy(cost, before);
        [bought, before] = [bought + cost, before + destruction.burned];
        back += destruction.released + destruction.distributed;
        bound += coalitionBound(destruction);
      }

      // twice doubled, twice halved
      await openLot(protocol, usd, [{ amount: USD, miner, payer: renter }]);
      expect((await controller.lot(usd)).referencePrice).to.equal(USD_REFERENCE_PRICE);
      await purse.expectOutcome({
        adversary: "coalition, alone",
        scenario: `the reference up and down again, ${when}`,
        paid: { TFT: bought, USD: 1_601n * USD },
        predicted: { TFT: back, USD: 1_600n * USD },
        bound: { TFT: min(bought, bound), USD: 1_601n * USD },
      });
    });
  }

  for (const [when, burned] of TIMES.filter(([name]) => name.startsWith("in "))) {
    it(`loses by buying its own lot what destroying TFT costs ${when}, alone`, async () => {
      const protocol = await atTime(burned);
      const { tft, usd } = protocol.contracts;
      const { renter, miner, operations, bidder } = coalitionOf(protocol.actors);
      const purse = await Purse.of([tft, usd], renter, miner, operations, bidder);

      const lot = await openLot(protocol, usd, [{ amount: USD_STAKE, miner, payer: renter }]);
      // at the reference price, though a later time would do as well
      await buyAt(protocol, bidder, lot, ageAt(3n), USD_STAKE);
      await payOut(protocol, lot.round, usd, [miner]);

      const bought = owed(USD_STAKE, USD_REFERENCE_PRICE, 3n);
      const destruction = destroy(bought, burned);
      await purse.expectOutcome({
        adversary: "coalition, alone",
        scenario: `its own lot, ${when}`,
        paid: { TFT: bought, USD: USD_STAKE },
        predicted: { TFT: destruction.released + destruction.distributed, USD: USD_STAKE },
        bound: { TFT: coalitionBound(destruction), USD: USD_STAKE },
      });
    });

    it(`pays the clock's price for the crowd's part of a lot, and loses on its own ${when}`, async () => {
      const protocol = await atTime(burned);
      const { tft, usd } = protocol.contracts;
      const { renters, miners } = protocol.actors;
      const { renter, miner, operations, bidder } = coalitionOf(protocol.actors);
      const purse = await Purse.of([tft, usd], renter, miner, operations, bidder);
      const all = USD_STAKE + USD_CROWD;

      const lot = await openLot(protocol, usd, [
        { amount: USD_STAKE, miner, payer: renter },
        { amount: USD_CROWD, miner: miners[1], payer: renters[1] },
      ]);
      await buyAt(protocol, bidder, lot, ageAt(4n), all);
      await payOut(protocol, lot.round, usd, [miner, miners[1]]);

      const bought = owed(all, USD_REFERENCE_PRICE, 4n);
      const forTheCrowds = owed(USD_CROWD, USD_REFERENCE_PRICE, 4n);
      const destruction = destroy(bought, burned);
      const { operations: income, reward } = divide(destruction);
      const { operations: anyway } = divide(destroy(forTheCrowds, burned));
      await purse.expectOutcome({
        adversary: "coalition, in a crowd",
        scenario: `a shared lot, ${when}`,
        paid: { TFT: bought, USD: USD_STAKE },
        anyway: { TFT: anyway },
        predicted: { TFT: part(reward, USD_STAKE, all) + income - anyway, USD: all },
        // of what it paid, no more than what was not the price of the crowd's part
        bound: { TFT: min(bought - forTheCrowds, sharedBound(destruction, USD_STAKE, all) - anyway), USD: all },
      });
    });
  }
});
