import { expect } from "chai";

import { WorkBench } from "../helpers/work";

const STRANGER = `0x${"57".repeat(20)}`;

describe("Work", () => {
  it("takes the renter's order though a stranger has opened one of the same job before", async () => {
    await WorkBench.use("", async (bench) => {
      const sealed = await bench.seal();
      bench.open(1n, sealed.jobHash, { payer: STRANGER, holder: STRANGER, tuAmount: 1n });
      bench.open(2n, sealed.jobHash);
      await bench.work.tick();
      // a stranger does not have the job's key; if they had, the terms would not fit
      await bench.handIn(2n, sealed);
      await bench.until(2n, "ended");
      await bench.handIn(1n, sealed);
      await bench.work.tick();
      expect((await bench.work.state(1n)).state).to.equal("refused");
    });
  });

  it("does a job once, and again for its next order once the first one is closed", async () => {
    await WorkBench.use("", async (bench) => {
      const sealed = await bench.seal();
      for (const orderId of [1n, 2n]) bench.open(orderId, sealed.jobHash);
      await bench.work.tick();
      for (const orderId of [1n, 2n]) await bench.handIn(orderId, sealed);
      await bench.until(1n, "ended");
      await bench.work.tick();
      const { state, reason } = await bench.work.state(2n);
      expect([state, reason]).to.deep.equal(["refused", "order 1 has the same job, has begun and is open"]);
      bench.close(1n);
      await bench.until(2n, "ended");
    });
  });

  it("looks no more at an order of which nothing is left to do", async () => {
    await WorkBench.use("", async (bench) => {
      const { work, store } = bench;
      const sealed = await bench.seal();
      bench.open(1n, `0x${"11".repeat(32)}`);
      bench.open(2n, sealed.jobHash);
      await work.tick();
      await bench.handIn(2n, sealed);
      await bench.until(2n, "ended");
      bench.close(1n);
      bench.close(2n);
      await work.tick();
      // a run that ended between two looks has its result named in its one reading
      await store.setDelivered(STRANGER, 2n, 1n);

      store.looks = 0;
      await work.tick();
      expect(store.looks).to.equal(0);
      expect((await work.state(2n)).state).to.equal("released");
    });
  });
});
