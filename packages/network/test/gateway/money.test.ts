import { Random } from "@turingfog/economy";
import { currencyOf, formatMoney, priceOf, readMoney, readRate, restOf } from "@turingfog/network";
import { expect } from "chai";

describe("Amounts on cards", () => {
  const cases: [code: string, rate: string, price: bigint, shown: string][] = [
    ["eur", "0.9", 945n, "9.45 EUR"],
    ["jpy", "150.123456", 1_577n, "1577 JPY"],
    ["kwd", "0.305", 3_210n, "3.210 KWD"],
    ["isk", "138.5", 145_500n, "1455.00 ISK"],
  ];
  for (const [code, rate, price, shown] of cases) {
    it(`in ${code} are whole minor units that Stripe takes, rounded up`, () => {
      const currency = currencyOf(code);
      const terms = { deposit: 10_000_000n, assetDecimals: 6, rate: readRate(rate), margin: 500n, currency };
      expect(priceOf(terms)).to.equal(price);
      expect(price % currency.step).to.equal(0n);
      expect(formatMoney(price, code)).to.equal(shown);
    });
  }

  it("of a rest are its share of the price less the fee, rounded down, and never below zero", () => {
    const eur = { price: 945n, deposit: 10_000_000n, currency: currencyOf("eur") };
    expect(restOf({ ...eur, unused: 3_333_333n, fee: 50n })).to.equal(264n);
    expect(restOf({ ...eur, unused: 10_000_000n, fee: 0n })).to.equal(945n);
    expect(restOf({ ...eur, unused: 1n, fee: 50n })).to.equal(0n);
    expect(restOf({ ...eur, price: 3_210n, unused: 5_000_000n, fee: 0n, currency: currencyOf("kwd") })).to.equal(
      1_600n,
    );
  });

  it("never give back more than was paid, nor keep more than a step for what was not used at all", () => {
    const random = new Random(22);
    for (let i = 0; i < 1_000; ++i) {
      const currency = currencyOf(["eur", "jpy", "kwd", "isk"][random.below(4)]);
      const deposit = BigInt(1 + random.below(2 ** 31));
      const rate = readRate(`${random.below(1_000)}.${1 + random.below(999_999)}`);
      const price = priceOf({ deposit, assetDecimals: 6, rate, margin: BigInt(random.below(2_000)), currency });
      const unused = (deposit * BigInt(random.below(1_001))) / 1_000n;
      const rest = restOf({ price, deposit, unused, fee: 0n, currency });
      expect(rest * deposit <= price * unused && (price - rest) % currency.step === 0n).to.equal(true);
      expect((rest + currency.step) * deposit > price * unused).to.equal(true);
    }
  });

  it("are read with no more decimals than the currency has, and not in one that Stripe counts in two ways", () => {
    expect(readMoney("12.34", currencyOf("eur"))).to.equal(1_234n);
    expect(readMoney("12.345", currencyOf("eur"))).to.equal(undefined);
    expect(readMoney("12.5", currencyOf("jpy"))).to.equal(undefined);
    expect(readMoney("1.001", currencyOf("bhd"))).to.equal(undefined);
    expect(readMoney("-1", currencyOf("eur"))).to.equal(undefined);
    for (const code of ["ugx", "EUR", "euro", ""]) expect(() => currencyOf(code), code).to.throw("The currency is");
  });
});
