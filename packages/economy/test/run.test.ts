import {
  ADVERSARIES,
  type AdversaryName,
  DEFAULT_SCENARIO,
  quantile,
  run,
  runAll,
  type Scenario,
  ScenarioError,
  type ShockName,
  SHOCKS,
  summaryOf,
  supplyChart,
  UnsoundError,
  World,
  yearsOf,
} from "@turingfog/economy";
import { OutOfRangeError, WAD } from "@turingfog/sdk";
import { expect, use } from "chai";
import chaiAsPromised from "chai-as-promised";
import fc from "fast-check";

use(chaiAsPromised);

const SEED = Number(process.env.SEED ?? 1);
const TWO_YEARS: Scenario = { ...DEFAULT_SCENARIO, seed: SEED, years: 2 };
const YEAR = 365;

describe("an economy", () => {
  it("is the same for the same seed, on any core, and another one for another", async () => {
    const scenarios = [0, 1, 0].map((more) => ({ ...TWO_YEARS, years: 1, seed: SEED + more }));
    const told: number[] = [];
    const outcomes = await runAll(scenarios, (done) => told.push(done));
    expect(told).to.deep.equal([1, 2, 3]);
    expect(outcomes[0]).to.deep.equal(run(scenarios[0]));
    expect(outcomes[2]).to.deep.equal(outcomes[0]);
    expect(outcomes[1].years).not.to.deep.equal(outcomes[0].years);
  });

  for (const [name, value, message] of [
    ["growth", 999, "growth is 999, must be from 0.1 to 10"],
    ["demand", NaN, "demand is NaN, must be from 1 to 1000000000"],
    ["tftShare", 1.1, "tftShare is 1.1, must be from 0 to 1"],
  ] as const) {
    it(`is refused with a ${name} of ${value}`, async () => {
      const scenario = { ...TWO_YEARS, [name]: value };
      expect(() => run(scenario)).to.throw(ScenarioError, message);
      await expect(runAll([scenario])).to.be.rejectedWith(ScenarioError, message);
    });
  }

  it("is refused with a shock after its end", () => {
    expect(() => run({ ...TWO_YEARS, shocks: [{ name: "crash", day: 730 }] })).to.throw(
      OutOfRangeError,
      "day of a shock is 730, must be from 0 to 729",
    );
  });

  for (const name of Object.keys(SHOCKS) as ShockName[]) {
    it(`survives that ${SHOCKS[name]}: two unfinished rounds at most, and lots sell at the market again`, () => {
      const { unfinished, auction, years } = run({ ...TWO_YEARS, shocks: [{ name, day: 300 }] });
      expect(unfinished).to.be.at.most(2);
      expect(auction.median).to.be.within(0.98, 1);
      expect(years[1].circulating).to.be.below(years[0].circulating);
    });
  }

  for (const name of Object.keys(ADVERSARIES) as AdversaryName[]) {
    it(`gives back less than was staked to one who ${ADVERSARIES[name]}`, () => {
      const { stakes, unfinished } = run({ ...TWO_YEARS, adversary: name });
      expect(unfinished).to.be.at.most(2);
      const [{ paid, received }] = stakes as [{ paid: number; received: number }];
      // at most the release less operations' share, by the auction's share of the market; these stake nothing else
      const isStaked = ["wash", "faker", "walker", "quorum"].includes(name);
      expect(received).to.be.within(0.65 * paid, 0.75 * paid);
      expect(paid > 0).to.equal(isStaked);
    });
  }

  it("stays sound with any numbers and blows", () => {
    const scenarios = fc.record({
      seed: fc.nat(),
      years: fc.constant(1),
      demand: fc.double({ min: 1, max: 1e7, noNaN: true }),
      growth: fc.double({ min: 0.1, max: 10, noNaN: true }),
      multiple: fc.double({ min: 0.1, max: 100, noNaN: true }),
      tftShare: fc.double({ min: 0, max: 1, noNaN: true }),
      bidders: fc.nat({ max: 5 }),
      shocks: fc.array(
        fc.record({ name: fc.constantFrom(...(Object.keys(SHOCKS) as ShockName[])), day: fc.nat({ max: YEAR - 1 }) }),
        { maxLength: 4 },
      ),
    });
    const property = fc.property(scenarios, (scenario) => {
      const { unfinished, years } = run(scenario);
      expect(unfinished).to.be.at.most(2);
      expect(years[0].circulating).to.be.within(100e6, 650e6);
    });
    fc.assert(property, { seed: SEED, numRuns: 12 });
  }).timeout(600_000);

  it("stops when more circulates than the day before", () => {
    const world = new World(TWO_YEARS);
    world.ledger.supply = { burned: 0n, released: WAD };
    expect(() => world.step()).to.throw(UnsoundError, /^On day 0 650000001\d{18} circulate, more than the 650000000/);
  });

  it("stops when more is held than circulates", () => {
    const world = new World(TWO_YEARS);
    world.bidders[0].tft += 1_300_000_000n * WAD;
    expect(() => world.step()).to.throw(
      UnsoundError,
      /^On day 0 \d+ base units are held, and 650000000\d{18} circulate/,
    );
  });

  it("is summed up in tables and a chart", () => {
    const outcomes = [run({ ...TWO_YEARS, years: 1 })];
    expect(summaryOf(outcomes))
      .to.match(/^\| figure +\| +median \| +worst \|\n/)
      .and.to.contain("never");
    expect(yearsOf(outcomes[0]).split("\n")).to.have.length(3);
    const chart = supplyChart(outcomes, "Seed 1 & more");
    expect(chart)
      .to.match(/^<svg /)
      .and.to.contain("Seed 1 &amp; more")
      .and.not.to.match(/NaN|undefined|Infinity/);
  });
});

describe("quantile", () => {
  it("is the value of the nearest rank, and NaN of nothing", () => {
    expect([0, 0.25, 0.5, 1].map((part) => quantile([1, 2, 3, 4], part))).to.deep.equal([1, 1, 2, 4]);
    expect(quantile([], 0.5)).to.satisfy(Number.isNaN);
  });
});
