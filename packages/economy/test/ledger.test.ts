import { Ledger, RefusedError, type Round, TFT } from "@turingfog/economy";
import { DAY, NOMINAL_SUPPLY, OutOfRangeError, supplyOf, toJson, ULTIMATE_SUPPLY, WAD } from "@turingfog/sdk";
import { expect } from "chai";
import fc from "fast-check";

const SEED = Number(process.env.SEED ?? 1);
const USD = "USD";
const REFERENCE = 20n * WAD;

function ledgerOfDollars(): Ledger {
  const ledger = new Ledger({ epochLength: DAY, auctionPeriod: DAY, operationsShare: 1_000n });
  ledger.list(USD, 6n, REFERENCE);
  return ledger;
}

describe("the ledger", () => {
  it("refuses an asset that is not listed, a lot that is not there, and earnings of nothing", () => {
    const ledger = ledgerOfDollars();
    expect(() => ledger.earn("DAI", 0n, [["alice", 1n]])).to.throw(RefusedError, "DAI is not listed");
    expect(() => ledger.buy(USD, 1n, DAY)).to.throw(RefusedError, `USD has no closed round at ${DAY}`);
    expect(() => ledger.burn(DAY)).to.throw(RefusedError, `TFT has no closed round at ${DAY}`);
    expect(() => ledger.earn(USD, 0n, [["alice", 0n]])).to.throw(OutOfRangeError, "earnings is 0");
  });

  it("writes a lot off from 30 periods on, and sells the next one by the old reference", () => {
    const ledger = ledgerOfDollars();
    ledger.earn(USD, 0n, [["alice", 1_000n]]);
    ledger.earn(USD, DAY, [["bob", 500n]]);
    const message = `The lot of USD can be written off from ${31n * DAY} on, and it is ${31n * DAY - 1n}`;
    expect(() => ledger.writeOff(USD, 31n * DAY - 1n)).to.throw(RefusedError, message);
    expect(ledger.writeOff(USD, 31n * DAY)).to.equal(1_000n);
    expect(ledger.reference(USD)).to.equal(REFERENCE);
    expect(ledger.lot(USD, 31n * DAY)).to.deep.include({ startedAt: 31n * DAY, remaining: 500n });
  });

  it("keeps to the rules in every random history", () => {
    const act = fc.record({
      wait: fc.bigInt(0n, 2n * DAY),
      what: fc.constantFrom("earn", "earn TFT", "buy", "burn", "write off", "claim", "pay operations"),
      amount: fc.bigInt(1n, 10n ** 14n),
      miner: fc.constantFrom("alice", "bob", "carol"),
    });
    const property = fc.property(fc.array(act, { minLength: 20, maxLength: 200 }), (acts) => {
      const ledger = ledgerOfDollars();
      const rounds = { USD: new Set<Round>(), TFT: new Set<Round>() };
      let now = 0n;
      let paid = 0n;
      let circulating = supplyOf(ledger.supply).circulating;
      for (const { wait, what, amount, miner } of acts) {
        now += wait;
        const lot = ledger.lot(USD, now);
        if (what === "earn") rounds.USD.add(ledger.earn(USD, now, [[miner, amount]]));
        if (what === "earn TFT") rounds.TFT.add(ledger.earn(TFT, now, [[miner, amount * 10n ** 11n]]));
        if (what === "buy" && lot !== undefined) ledger.buy(USD, amount, now);
        if (what === "burn" && ledger.lot(TFT, now) !== undefined) ledger.burn(now);
        if (what === "write off" && lot !== undefined && now >= lot.startedAt + 30n * DAY) ledger.writeOff(USD, now);
        if (what === "claim") for (const round of rounds.USD) paid += ledger.claim(round, miner);
        if (what === "pay operations") paid += ledger.payOperations();

        const supply = supplyOf(ledger.supply);
        const unfinished = Object.values(rounds).map(
          (each) => [...each].filter(({ finalAt }) => finalAt === undefined).length,
        );
        const isSound = supply.total >= ULTIMATE_SUPPLY && supply.total === NOMINAL_SUPPLY - supply.burned;
        const isKept = supply.circulating <= circulating && ledger.rewardsHeld >= 0n && Math.max(...unfinished) <= 2;
        if (!isSound || !isKept) expect.fail(`after ${what} at ${now}: ${toJson({ supply, unfinished })}`);
        circulating = supply.circulating;
      }
      // what was bought back is burned, and what is released or left is paid, owed or held
      const bought = [...rounds.USD, ...rounds.TFT].reduce((sum, { proceeds }) => sum + proceeds, 0n);
      const { burned, released } = ledger.supply;
      expect(paid + ledger.operationsOwed + ledger.rewardsHeld).to.equal(released + bought - burned);
    });
    fc.assert(property, { seed: SEED, numRuns: 100 });
  });
});
