import { expect } from "chai";

import { misreading } from "../../web/shown";
import type { Shown } from "../../web/visitor";

const shown = (kind: Shown["kind"], text: string, value: string, decimals = 0, shownDecimals = decimals): Shown => {
  return { fact: "a::fact", kind, text, value, decimals, shownDecimals, at: "0" };
};

describe("what a page's text says of its value", () => {
  for (const each of [
    shown("amount", "1,234.5", "1234500000", 6),
    shown("amount", "0", "0", 18),
    shown("amount", "< 0.01", "1", 18, 2),
    shown("amount", "1.2", "1209", 3, 2),
    shown("amount", "no limit", String(2n ** 128n), 18),
    shown("amount", "7", "7"),
    shown("instant", "2027-01-12 03:00", "1799722801"),
    shown("duration", "5 h 59 min", "21599"),
    shown("duration", "42 s", "42"),
    shown("text", "attested", "attested"),
  ]) {
    it(`is right: ${each.text} for ${each.value}`, () => {
      expect(misreading(each)).to.equal(undefined);
    });
  }

  for (const each of [
    shown("amount", "1,234.6", "1234500000", 6),
    shown("amount", "1,234.4", "1234500000", 6),
    shown("amount", "1", "2"),
    shown("amount", "< 0.01", String(10n ** 16n), 18, 2),
    shown("amount", "1.2", "1219", 3, 2),
    shown("amount", "1.20", "1209", 3, 2),
    shown("amount", "0", "1", 18, 2),
    shown("amount", "no limit", "5", 18),
    shown("instant", "2027-01-12 03:01", "1799722801"),
    shown("duration", "6 h", "21599"),
    shown("duration", "5 h 58 min", "21599"),
    shown("text", "pending", "attested"),
  ]) {
    it(`is wrong: ${each.text} for ${each.value}`, () => {
      expect(misreading(each)).to.be.a("string");
    });
  }
});
