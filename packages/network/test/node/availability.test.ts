import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import {
  Availability,
  availabilityConfig,
  limitPower,
  type Computer,
  PowerLimitError,
  THIS_COMPUTER,
} from "@turingfog/network";
import { expect } from "chai";

import { inFolder } from "../helpers/folders";
import { WorkBench } from "../helpers/work";

/** A machine of two CPUs, whose time and load a test sets. */
class FakeComputer implements Computer {
  cpus = 2;
  seconds = 0;
  usedSeconds = 0;
  at = new Date(2027, 0, 4, 12, 0);
  looks = 0;

  date(): Date {
    return this.at;
  }

  now(): number {
    return this.seconds * 1_000;
  }

  used(): Promise<number> {
    this.looks++;
    return Promise.resolve(this.usedSeconds);
  }

  /** Lets time go on, in which so many CPU seconds are used. */
  pass(seconds: number, used: number): void {
    this.seconds += seconds;
    this.usedSeconds += used;
  }
}

const NOTHING = () => Promise.resolve(0);

describe("Availability", () => {
  describe("hours", () => {
    // 2027-01-04 is a Monday
    const cases: [string, object[], Date, boolean][] = [
      ["within them", [{ from: "09:00", to: "17:00" }], new Date(2027, 0, 4, 9, 0), true],
      ["at their end", [{ from: "09:00", to: "17:00" }], new Date(2027, 0, 4, 17, 0), false],
      ["before them", [{ from: "09:00", to: "17:00" }], new Date(2027, 0, 4, 8, 59), false],
      ["at night", [{ from: "22:00", to: "07:00" }], new Date(2027, 0, 4, 23, 0), true],
      ["in the morning after", [{ from: "22:00", to: "07:00" }], new Date(2027, 0, 4, 6, 59), true],
      [
        "after a night of the day before",
        [{ days: ["sun"], from: "22:00", to: "07:00" }],
        new Date(2027, 0, 4, 6, 0),
        true,
      ],
      ["on a night of another day", [{ days: ["mon"], from: "22:00", to: "07:00" }], new Date(2027, 0, 4, 6, 0), false],
      ["on a whole day", [{ days: ["mon"], from: "00:00", to: "00:00" }], new Date(2027, 0, 4, 23, 59), true],
      ["after a whole day", [{ days: ["sun"], from: "00:00", to: "00:00" }], new Date(2027, 0, 4, 0, 0), false],
      [
        "within the second of them",
        [
          { from: "01:00", to: "02:00" },
          { from: "09:00", to: "17:00" },
        ],
        new Date(2027, 0, 4, 10, 0),
        true,
      ],
    ];
    for (const [what, hours, date, may] of cases) {
      it(`${may ? "let" : "do not let"} a node work ${what}`, async () => {
        const machine = new FakeComputer();
        machine.at = date;
        const reason = await new Availability(availabilityConfig.parse({ hours }), machine).reason(NOTHING);
        expect(reason).to.equal(may ? undefined : "its owner lets the node work at other hours");
      });
    }

    it("are refused if they are no times of day, or of no day", () => {
      for (const hours of [
        [{ from: "24:00", to: "07:00" }],
        [{ from: "9:00", to: "17:00" }],
        [{ days: [], from: "09:00", to: "17:00" }],
      ]) {
        expect(availabilityConfig.safeParse({ hours }).success, JSON.stringify(hours)).to.equal(false);
      }
    });
  });

  describe("of an idle machine", () => {
    const config = availabilityConfig.parse({ whenIdle: { cpuPercent: 20, seconds: 60 } });

    it("begins once others have used little for long enough, and ends when they use more", async () => {
      const machine = new FakeComputer();
      const availability = new Availability(config, machine);
      expect(await availability.reason(NOTHING)).to.contain("once it is idle for 60 s");
      machine.pass(59, 0);
      expect(await availability.reason(NOTHING)).to.contain("59 s ago");
      machine.pass(10, 4);
      expect(await availability.reason(NOTHING)).to.equal(undefined);
      machine.pass(10, 4.4);
      expect(await availability.reason(NOTHING)).to.contain("others were last seen to use 22 % of its CPUs 0 s ago");
      machine.pass(60, 0);
      expect(await availability.reason(NOTHING)).to.equal(undefined);
    });

    it("does not count what the node's own runs use, nor give back what they had used once they end", async () => {
      const machine = new FakeComputer();
      const availability = new Availability(config, machine);
      let own = 0;
      const reason = () => availability.reason(() => Promise.resolve(own));
      await reason();
      for (let i = 0; i < 7; ++i) {
        machine.pass(10, 20);
        own += 20;
        await reason();
      }
      expect(await reason()).to.equal(undefined);
      own = 0;
      machine.pass(10, 20);
      expect(await reason()).to.contain("use 100 % of its CPUs");
    });

    it("is looked at no more often than it takes to measure", async () => {
      const machine = new FakeComputer();
      const availability = new Availability(config, machine);
      for (let i = 0; i < 10; ++i) {
        await availability.reason(NOTHING);
        machine.pass(1, 0);
      }
      expect(machine.looks).to.equal(2);
    });

    it("is read from this machine, whose use only rises", async () => {
      const before = await THIS_COMPUTER.used();
      expect(before).to.be.above(0);
      expect(await THIS_COMPUTER.used()).to.be.at.least(before);
    });
  });

  describe("the power of GPUs", () => {
    /** Calls `use` with a program of this name at the front of the search path. */
    async function withNvidiaSmi(script: string, use: (folder: string) => Promise<void>): Promise<void> {
      await inFolder(async (folder) => {
        await writeFile(path.join(folder, "nvidia-smi"), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
        const { PATH } = process.env;
        process.env.PATH = `${folder}:${PATH}`;
        try {
          await use(folder);
        } finally {
          process.env.PATH = PATH;
        }
      });
    }

    it("is limited by nvidia-smi", async () => {
      await withNvidiaSmi(`echo "$@" > "$(dirname "$0")/args"`, async (folder) => {
        await limitPower(180);
        expect(await readFile(path.join(folder, "args"), "utf8")).to.equal("--power-limit 180\n");
      });
    });

    it("stays as it is, with what nvidia-smi says, if it refuses", async () => {
      await withNvidiaSmi("echo 'Insufficient Permissions'; exit 4", async () => {
        await expect(limitPower(180)).to.be.rejectedWith(
          PowerLimitError,
          "availability.gpuWatts is 180, nvidia-smi does not set it: Insufficient Permissions",
        );
      });
    });
  });

  it("keeps a run from beginning, and has one stand still that has begun, with the reason", async () => {
    await WorkBench.use("setInterval(() => {}, 1000)", async (bench) => {
      const { work } = bench;
      const sealed = await bench.seal();
      bench.open(1n, sealed.jobHash);
      await work.tick();
      await bench.handIn(1n, sealed);
      work.rest("the owner is at it");
      await bench.until(1n, "queued");
      expect((await work.state(1n)).reason).to.equal("the owner is at it");
      work.rest(undefined);
      await bench.until(1n, "running");
      work.rest("the owner is at it");
      await bench.until(1n, "paused");
      expect((await work.state(1n)).reason).to.equal("the owner is at it");
      // a challenge that ends meanwhile lets nothing go on
      await work.pause(true);
      await work.pause(false);
      expect((await work.state(1n)).state).to.equal("paused");
      work.rest(undefined);
      await bench.until(1n, "running");
      expect(await work.cpuSeconds()).to.be.at.least(0);
      bench.close(1n);
      await bench.until(1n, "released");
    });
  });
});
