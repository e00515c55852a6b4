import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { NoRentalError, OtherResultError, Rental } from "@turingfog/network";
import { expect } from "chai";
import { id } from "ethers";

import { JOB_OF_TESTS } from "./helpers/jobs";

const TERMS = {
  network: "localhost",
  nodeId: 7n,
  asset: JOB_OF_TESTS.asset,
  tuAmount: JOB_OF_TESTS.tuAmount,
  maxUnitPrice: 1n,
  duration: 3_600n,
  renter: JOB_OF_TESTS.renter,
  paymentRef: id("payment"),
  endpoint: "http://127.0.0.1:1",
  recipient: JOB_OF_TESTS.resultTo,
};

async function withRental(test: (rental: Rental) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-rental-"));
  try {
    await test(new Rental(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("Rental", () => {
  it("takes a result of its own job, and no other", () =>
    withRental(async (rental) => {
      await rental.prepare(undefined, JOB_OF_TESTS, TERMS);
      await expect(rental.checkResult({ ...JOB_OF_TESTS, salt: id("other") })).to.be.rejectedWith(OtherResultError);
      expect(rental.hasResult).to.equal(false);
      await rental.checkResult(await rental.job());
      expect(rental.hasResult).to.equal(true);
    }));

  it("names the job by a result key of its own, and is no open order before it is written down as one", () =>
    withRental(async (rental) => {
      await expect(rental.read()).to.be.rejectedWith(NoRentalError, "has no order.json");
      const record = await rental.prepare(undefined, JOB_OF_TESTS, TERMS);
      expect((await rental.job()).resultTo)
        .to.match(/^age1/)
        .and.not.to.equal(JOB_OF_TESTS.resultTo);
      await expect(rental.readOpen()).to.be.rejectedWith(NoRentalError, "was not opened");
      await rental.write({ ...record, orderId: 5n });
      expect(await rental.readOpen()).to.deep.equal({ ...record, orderId: 5n });
    }));
});
