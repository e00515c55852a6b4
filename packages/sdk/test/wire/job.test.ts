import { checkJob, GRANT, InvalidMessageError, JOB, JobMismatchError } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { job, text } from "./jobs";

describe("jobs and grants", () => {
  it("are read as they were written", () => {
    expect(JOB.decode(text)).to.deep.equal(job);
    const grant = { orderId: 1n, recipient: job.resultTo, identity: "YWdl", signature: "0x00" };
    expect(GRANT.decode(GRANT.encode(grant))).to.deep.equal(grant);
  });

  it("hold back a fifth at most", () => {
    expect(JOB.decode(JOB.encode({ ...job, holdback: 2_000n })).holdback).to.equal(2_000n);
    expect(() => JOB.encode({ ...job, holdback: 2_001n })).to.throw(
      InvalidMessageError,
      'turingfog-job-v1, holdback: is "2001", expected at most 2000',
    );
  });

  it("have one text, whatever order their slots came in", () => {
    const sorted = JOB.encode({ ...job, slots: { A: "1", A_: "2", B: "3" } });
    expect(JOB.encode({ ...job, slots: { B: "3", A_: "2", A: "1" } })).to.equal(sorted);
    expect(() => JOB.decode(sorted.replace('"A":"1","A_":"2"', '"A_":"2","A":"1"'))).to.throw(
      InvalidMessageError,
      "canonical form",
    );
  });

  it("fill 16 slots at most", () => {
    const slotted = (count: number) => ({
      ...job,
      slots: Object.fromEntries(Array.from({ length: count }, (_, i) => [`S${i}`, "x"])),
    });
    expect(JOB.decode(JOB.encode(slotted(16)))).to.deep.equal(slotted(16));
    expect(() => JOB.encode(slotted(17))).to.throw(
      InvalidMessageError,
      "slots: is an object, expected at most 16 slots",
    );
  });

  for (const identity of ["", "YWd", "YWdl=", "YW==l", "YWd_", "A".repeat(8_196)]) {
    it(`refuse the identity ${identity.slice(0, 8)} of ${identity.length} characters`, () => {
      const grant = { orderId: 1n, recipient: job.resultTo, identity, signature: "0x00" };
      expect(() => GRANT.encode(grant)).to.throw(InvalidMessageError, "identity");
    });
  }

  const { chainId, escrow, nodeId, asset, tuAmount, renter } = job;
  const terms = { chainId, escrow, nodeId, asset, tuAmount, renter };

  it("are of their order, whose addresses may have a checksum", () => {
    checkJob(job, terms);
    checkJob(job, { ...terms, renter: renter.toUpperCase().replace("X", "x") });
  });

  for (const [term, value] of [
    ["chainId", 1n],
    ["escrow", asset],
    ["nodeId", 0n],
    ["asset", escrow],
    ["tuAmount", 1n],
    ["renter", escrow],
  ] as const) {
    it(`are refused for an order of another ${term}`, () => {
      expect(() => {
        checkJob(job, { ...terms, [term]: value });
      })
        .to.throw(JobMismatchError, `job.json: ${term} is ${job[term]}, its order has ${value}`)
        .with.property("term", term);
    });
  }
});
