import { expect } from "chai";

import { WorkBench } from "../helpers/work";

describe("Work", () => {
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

      store.looks = 0;
      await work.tick();
      expect(store.looks).to.equal(0);
      expect((await work.state(2n)).state).to.equal("released");
    });
  });
});
