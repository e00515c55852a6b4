import { gatewayConfig, parseConfig } from "@turingfog/network";
import { expect } from "chai";

const EUR = { rate: "0.9", marginPercent: 5, refundFee: "0.50", least: "1", most: "500" };

const GOOD = {
  ...{ chain: { network: "localhost", deployments: "d" }, store: "s.db", jobs: "jobs", payer: "p.key" },
  ...{ listen: { port: 1 }, endpoint: "https://pay.example", asset: `0x${"11".repeat(20)}`, stripe: {} },
  ...{ currencies: { eur: EUR }, dailySpending: "1000", dailyGas: "0.05", monitor: { port: 2 } },
};

describe("A gateway's configuration", () => {
  it("is taken with what it must have, and asks for 3-D Secure and half an hour by itself", () => {
    const config = parseConfig("gateway.json5", JSON.stringify(GOOD), gatewayConfig);
    expect([config.stripe.threeDSecure, config.checkoutSeconds, config.acknowledge]).to.deep.equal([
      "any",
      1_860,
      "sampled",
    ]);
  });

  const wrong: [field: string, changes: object, reason: string][] = [
    ["currencies.jpy.refundFee", { currencies: { jpy: { ...EUR, refundFee: "0.5" } } }, "with 0 decimals at most"],
    ["currencies.kwd.least", { currencies: { kwd: { ...EUR, least: "1.001" } } }, "a multiple of 10 minor units"],
    ["currencies.ugx", { currencies: { ugx: EUR } }, "The currency is ugx"],
    ["currencies.eur.rate", { currencies: { eur: { ...EUR, rate: "0" } } }, "must be above 0"],
    ["currencies.eur.least", { currencies: { eur: { ...EUR, least: "501" } } }, "must not be above most"],
    ["currencies.eur.most", { currencies: { eur: { ...EUR, most: "1000000" } } }, "at most 99999999 minor units"],
    ["currencies", { currencies: {} }, "must name a currency"],
    ["endpoint", { endpoint: "https://pay.example/" }, "must not end with /"],
    ["checkoutSeconds", { checkoutSeconds: 1_000 }, ">=1860"],
    ["openDelay", { openDelay: 600, openWithin: 600 }, "must be below openWithin"],
    ["dailySpending", { dailySpending: "0" }, "must be above 0"],
    ["stripe.tolerance", { stripe: { tolerance: 3_600 } }, "<=600"],
    ["jointUnitPrice", { jointUnitPrice: "0" }, "above 0"],
  ];
  for (const [field, changes, reason] of wrong) {
    it(`is refused whole, by the name of ${field}`, () => {
      const text = JSON.stringify({ ...GOOD, ...changes });
      expect(() => parseConfig("gateway.json5", text, gatewayConfig))
        .to.throw(reason)
        .with.property("field", field);
    });
  }
});
