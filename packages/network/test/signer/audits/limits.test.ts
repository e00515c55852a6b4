import { type AuditedClaim, auditedTU, usedStarts } from "@turingfog/network";
import { expect } from "chai";

const TU = 10n ** 18n;
const TERMS = { imagesPerTU: 60n, rounds: 100n, isOver: false };

/** Claims of one worker of 60 images each, by what became of their audits; each begins where the one before has ended. */
function claims(audits: readonly AuditedClaim["audit"][], nodeId = 1n): AuditedClaim[] {
  return audits.map((audit, i) => ({
    ...{ nodeId, round: BigInt(i + 1), images: 60n, audit },
    ...{ startHash: `w${i}`, endHash: `w${i + 1}` },
  }));
}

const paid = (all: AuditedClaim[], terms = TERMS) => auditedTU(1n, all, terms) / TU;

describe("auditedTU", () => {
  it("pays the rounds before the last one that was audited and right", () => {
    expect(paid(claims([]))).to.equal(0n);
    expect(paid(claims(["right"]))).to.equal(0n);
    expect(paid(claims(["right", "right", "right", "not-drawn", "not-drawn"]))).to.equal(2n);
    expect(paid(claims(["right", "right", "right", "not-drawn", "not-drawn", "right", "not-drawn"]))).to.equal(5n);
  });

  it("pays nothing behind an audit that has not been done", () => {
    expect(paid(claims(["right", "waiting", "right", "right"]))).to.equal(0n);
    expect(paid(claims(["right", "right", "waiting", "right"]))).to.equal(1n);
  });

  it("pays the last round too, once it is right and nothing follows it", () => {
    const three = claims(["right", "right", "right"]);
    expect(paid(three)).to.equal(2n);
    expect(paid(three, { ...TERMS, rounds: 3n })).to.equal(3n);
    expect(paid(three, { ...TERMS, isOver: true })).to.equal(3n);
    expect(paid(claims(["right", "right", "not-drawn"]), { ...TERMS, isOver: true })).to.equal(1n);
  });

  it("pays no round that began with weights of the worker's own choice", () => {
    const all = claims(["right", "right", "right", "right"]);
    all[1].startHash = "other";
    expect(paid(all)).to.equal(2n);
    const together = [...claims(["right", "right", "right"]), ...claims(["right", "right", "right"], 2n)];
    together.push(...claims(["right", "right", "right"], 3n));
    expect(paid(together)).to.equal(2n);
    together[1].startHash = "other";
    expect(paid(together)).to.equal(1n);
  });
});

describe("usedStarts", () => {
  it("takes all of the starts that equally many workers name", () => {
    const [mine] = claims(["right"]);
    const [theirs] = claims(["right"], 2n);
    theirs.startHash = "other";
    const used = usedStarts([mine, theirs]);
    expect([used(mine), used(theirs)]).to.deep.equal([true, true]);
  });
});
