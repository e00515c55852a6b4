import { expect } from "chai";

import { formatAmount, WAD } from "@turingfog/sdk";

describe("formatAmount", () => {
  const cases: [amount: bigint, unitDecimals: number, shownDecimals: number, text: string][] = [
    [0n, 18, 18, "0.000000000000000000"],
    [100_000_000n * WAD, 18, 18, "100,000,000.000000000000000000"],
    [1n, 18, 18, "0.000000000000000001"],
    [1_234_567_890_123_456_789n, 18, 4, "1.2345"],
    [999_999_999_999n, 6, 2, "999,999.99"],
    [350_000_000n * WAD, 18, 0, "350,000,000"],
    [999n, 0, 0, "999"],
    [1_000n, 0, 0, "1,000"],
    [-1_234_567n, 3, 1, "-1,234.5"],
  ];
  for (const [amount, unitDecimals, shownDecimals, text] of cases) {
    it(`shows ${amount} of ${unitDecimals} decimals with ${shownDecimals} as ${text}`, () => {
      expect(formatAmount(amount, unitDecimals, shownDecimals)).to.equal(text);
    });
  }

  it("shows all 18 decimals when nothing else is said", () => {
    expect(formatAmount(WAD)).to.equal("1.000000000000000000");
  });
});
