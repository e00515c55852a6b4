import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import {
  checkSlots,
  NOTHING_USED,
  type RunLimits,
  ProcessRunner,
  type ProcessRunnerConfig,
  type Sample,
  SlotRefusedError,
  StuckRunError,
  UnpreparedRunError,
} from "@turingfog/network";
import { expect } from "chai";

import { JOB_OF_TESTS } from "../helpers/jobs";

const PLENTY: RunLimits = { memoryMiB: 512, cpuSeconds: 60, processes: 16, seconds: 60, outputMiB: 16 };

interface Bench {
  folder: string;
  runner: ProcessRunner;
}

/** Calls `use` with a runner of a Node program in a run's folder of its own, and leaves no process and no file of it. */
async function withRun(
  program: string,
  use: (bench: Bench) => Promise<void>,
  { limits, ...config }: Partial<Omit<ProcessRunnerConfig, "limits">> & { limits?: Partial<RunLimits> } = {},
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-run-"));
  const runner = new ProcessRunner({
    kind: "process",
    name: "program",
    command: process.execPath,
    args: ["-e", program],
    env: {},
    slots: {},
    limits: { ...PLENTY, ...limits },
    ...config,
  });
  try {
    await mkdir(path.join(folder, "input"));
    await use({ folder, runner });
  } finally {
    await runner.stop(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

async function runToEnd({ runner, folder }: Bench, slots: Record<string, string> = {}): Promise<Sample> {
  await runner.prepare({ ...JOB_OF_TESTS, slots }, folder);
  await runner.start(folder);
  return until({ runner, folder }, ({ phase }) => phase === "ended");
}

async function until({ runner, folder }: Bench, isSo: (sample: Sample) => boolean): Promise<Sample> {
  for (;;) {
    const sample = await runner.sample(folder);
    if (isSo(sample)) return sample;
    if (sample.phase === "ended") throw new Error(`the run has ended: ${JSON.stringify(sample)}`);
    await sleep(25);
  }
}

/** The processes that have a run's variable. */
async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, "latin1").catch(() => "")));
  return pids.filter((_, i) => environments[i].includes(`TURINGFOG_RUN=${folder}`));
}

describe("ProcessRunner", () => {
  describe("prepare", () => {
    const refused: [string, Record<string, string>, RegExp][] = [
      ["a slot that the runner does not have", { FILE: "a", MODE: "fast" }, /slot MODE: there is none; it has FILE/],
      ["a slot that is not filled", {}, /slot FILE: is not filled, expected \[a-z.\/-\]\{1,20\}/],
      ["a value that the pattern does not match", { FILE: "A" }, /slot FILE: is "A", expected/],
      ["a value that matches in part", { FILE: "a\nb" }, /slot FILE: is "a\\nb", expected/],
      ["a value that leads out of the folder", { FILE: "a/../../b" }, /slot FILE: leads out of the folder/],
      ["a value that the program would read as an option", { FILE: "-rf" }, /would be read as an option, "-rf"/],
    ];
    for (const [what, slots, message] of refused) {
      it(`refuses ${what}, and writes nothing down`, async () => {
        await withRun(
          "",
          async ({ folder, runner }) => {
            const refusal = await runner.prepare({ ...JOB_OF_TESTS, slots }, folder).catch((error: unknown) => error);
            expect(refusal).to.be.instanceOf(SlotRefusedError);
            expect((refusal as Error).message).to.match(message);
            await expect(runner.start(folder)).to.be.rejectedWith(UnpreparedRunError);
          },
          { args: ["{FILE}"], slots: { FILE: "[a-z./-]{1,20}" } },
        );
      });
    }

    it("takes a value with dots that leads nowhere else", () => {
      expect(() =>
        checkSlots({ kind: "process", name: "hash", slots: { FILE: "[a-z./]{1,20}" } }, { FILE: "a..b/c.txt" }),
      ).not.to.throw();
    });
  });

  describe("start", () => {
    it("fills slots into single arguments that no shell reads, and never twice", async () => {
      const program = `console.log(JSON.stringify(process.argv.slice(1)))`;
      await withRun(
        program,
        async (bench) => {
          const { outcome } = await runToEnd(bench, { A: "$(id) {B}; x", B: "b" });
          expect(outcome).to.deep.equal({ kind: "exited", code: 0 });
          const log = JSON.parse(await readFile(path.join(bench.folder, "log.txt"), "utf8")) as string[];
          expect(log).to.deep.equal(["$(id) {B}; x", `--to=${bench.folder}/output`, "--b=b"]);
        },
        {
          args: ["-e", program, "--", "{A}", "--to={output}", "--b={B}"],
          slots: { A: "[a-zA-Z0-9$(){};: ]{1,30}", B: "[b]{1,1}" },
        },
      );
    });

    it("gives a run the owner's environment, and nothing of the agent's", async () => {
      const program = `console.log(JSON.stringify(process.env))`;
      await withRun(
        program,
        async (bench) => {
          process.env.TURINGFOG_PASSPHRASE = "secret of the agent";
          try {
            await runToEnd(bench);
          } finally {
            delete process.env.TURINGFOG_PASSPHRASE;
          }
          const log = await readFile(path.join(bench.folder, "log.txt"), "utf8");
          const names = Object.keys(JSON.parse(log) as object).sort();
          expect(names).to.deep.equal(["CUDA_VISIBLE_DEVICES", "HOME", "LANG", "PATH", "TMPDIR", "TURINGFOG_RUN"]);
        },
        { env: { CUDA_VISIBLE_DEVICES: "1" } },
      );
    });

    it("tells the code of a program that fails, and the one of a program that is not there", async () => {
      await withRun("process.exit(7)", async (bench) => {
        expect((await runToEnd(bench)).outcome).to.deep.equal({ kind: "exited", code: 7 });
      });
      await withRun(
        "",
        async (bench) => {
          expect((await runToEnd(bench)).outcome).to.deep.equal({ kind: "exited", code: 127 });
        },
        { command: "/nowhere" },
      );
    });

    it("starts a run once, though it is asked twice at a time and again when it has ended", async () => {
      const program = `require("fs").appendFileSync("started", "x")`;
      await withRun(program, async (bench) => {
        const { runner, folder } = bench;
        await runner.prepare(JOB_OF_TESTS, folder);
        await Promise.all([runner.start(folder), runner.start(folder), runner.start(folder)]);
        await until(bench, ({ phase }) => phase === "ended");
        await runner.start(folder);
        expect(await readFile(path.join(folder, "input/started"), "utf8")).to.equal("x");
      });
    });
  });

  describe("limits", () => {
    const over: [keyof RunLimits, Partial<RunLimits>, string][] = [
      ["memoryMiB", { memoryMiB: 150 }, `const all = []; setInterval(() => all.push(Buffer.alloc(8 << 20, 1)), 5)`],
      ["cpuSeconds", { cpuSeconds: 1 }, `for (;;);`],
      ["processes", { processes: 4 }, `for (let i = 0; i < 5; ++i) require("child_process").spawn("sleep", ["60"])`],
      ["seconds", { seconds: 1 }, `setInterval(() => {}, 1000)`],
      ["outputMiB", { outputMiB: 2 }, `setInterval(() => process.stdout.write("x".repeat(1 << 18)), 10)`],
    ];
    for (const [limit, limits, program] of over) {
      it(`end a run over its ${limit}, with what it has started, and keep what it was metered`, async () => {
        const parent = `require("child_process").spawn("sleep", ["61"]);${program}`;
        await withRun(
          parent,
          async (bench) => {
            const { outcome, heldMs, processes } = await runToEnd(bench);
            expect(outcome).to.deep.equal({ kind: "over", limit });
            expect(heldMs).to.be.above(0);
            expect(processes).to.equal(0);
            expect(await processesOf(bench.folder)).to.deep.equal([]);
          },
          { limits },
        );
      });
    }

    it("let a run be that stays within them", async () => {
      const program = `
        require("fs").writeFileSync(process.argv[1] + "/images", "640\\n");
        require("child_process").execFileSync("sleep", ["0.3"]);`;
      await withRun(
        program,
        async (bench) => {
          const { outcome, images, heldMs, outputBytes } = await runToEnd(bench);
          expect(outcome).to.deep.equal({ kind: "exited", code: 0 });
          expect(images).to.equal(640);
          expect(heldMs).to.be.within(300, 60_000);
          expect(outputBytes).to.be.within(4, 10_000);
        },
        { args: ["-e", program, "--", "{output}"], images: "images" },
      );
    });

    it("count the images of a benchmark by the steps that it prints", async () => {
      const head = "Model:       resnet50\nMode:        training\nBatch size:  64 global";
      const program = `
        console.log(${JSON.stringify(head)});
        console.log("1\\timages/sec: 400.1 +/- 0.0 (jitter = 0.0)\\t8.0");
        console.log("30\\timages/sec: 400.2 +/- 0.1 (jitter = 0.3)\\t7.9");
        require("fs").writeFileSync(process.argv[1] + "/images", "999999");`;
      await withRun(
        program,
        async (bench) => {
          expect(bench.runner.countsImages).to.equal(true);
          const { outcome, images } = await runToEnd(bench);
          expect(outcome).to.deep.equal({ kind: "exited", code: 0 });
          expect(images).to.equal(30 * 64);
        },
        { kind: "benchmark", args: ["-e", program, "--", "{output}"] },
      );
    });

    it("count no images of what is no file, and wait for nobody who would write it", async () => {
      const program = `require("child_process").execFileSync("mkfifo", [process.argv[1] + "/images"])`;
      await withRun(
        program,
        async (bench) => {
          const { outcome, images } = await runToEnd(bench);
          expect(outcome).to.deep.equal({ kind: "exited", code: 0 });
          expect(images).to.equal(0);
        },
        { args: ["-e", program, "--", "{output}"], images: "images" },
      );
    }).timeout(20_000);

    it("end a run that leaves more files than a result may have, though they are empty", async () => {
      const program = `for (let i = 0; i < 10_001; ++i) require("fs").writeFileSync(process.argv[1] + "/" + i, "");
        setInterval(() => {}, 1000)`;
      await withRun(
        program,
        async (bench) => {
          expect((await runToEnd(bench)).outcome).to.deep.equal({ kind: "over", limit: "outputMiB" });
        },
        { args: ["-e", program, "--", "{output}"] },
      );
    });

    it("end a run whose files cannot be looked at, with the reason", async () => {
      const program = `for (let i = 0; i < 30; ++i) {
        require("fs").mkdirSync("x".repeat(200));
        process.chdir("x".repeat(200));
      }`;
      await withRun(program, async (bench) => {
        const { outcome } = await runToEnd(bench);
        await promisify(execFile)("rm", ["-r", path.join(bench.folder, "input")]);
        expect(outcome).to.have.property("kind", "failed");
        expect(outcome).to.have.property("reason").that.contains("ENAMETOOLONG");
      });
    });

    // takes a file system of its own, which only root can mount
    const onSmallDisk = async () => {
      const program = `
        const { openSync, unlinkSync, writeSync } = require("fs");
        for (let i = 0; i < 4; ++i) {
          const file = openSync("hidden", "w");
          unlinkSync("hidden");
          writeSync(file, Buffer.alloc(3_400_000));
        }
        setInterval(() => {}, 1000)`;
      await withRun(
        program,
        async (bench) => {
          const run = path.join(bench.folder, "run");
          await mkdir(run);
          await promisify(execFile)("mount", ["-t", "tmpfs", "-o", "size=14m", "tmpfs", run]);
          try {
            await mkdir(path.join(run, "input"));
            const { outcome } = await runToEnd({ ...bench, folder: run });
            expect(outcome).to.deep.equal({ kind: "over", limit: "outputMiB" });
          } finally {
            await bench.runner.stop(run);
            await promisify(execFile)("umount", ["--lazy", run]);
          }
        },
        { limits: { outputMiB: 4 } },
      );
    };
    it(
      "end a run that fills the disk with files that have no name any more",
      process.getuid?.() === 0 ? onSmallDisk : undefined,
    );

    it("find what has left its parent and its session", async () => {
      const program = `
        require("child_process").spawn("setsid", ["sleep", "62"], { detached: true, stdio: "ignore" }).unref();
        setTimeout(() => {}, 300)`;
      await withRun(program, async (bench) => {
        expect((await runToEnd(bench)).outcome).to.deep.equal({ kind: "exited", code: 0 });
        expect(await processesOf(bench.folder)).to.deep.equal([]);
      });
    });
  });

  describe("pause and stop", () => {
    it("stands still while it is paused, and does not count that time", async () => {
      // in one step, because a pause may come in the middle of a write
      const program = `const { renameSync, writeFileSync } = require("fs"); let n = 0;
        setInterval(() => { writeFileSync("next", String(++n)); renameSync("next", "count"); }, 10)`;
      await withRun(program, async (bench) => {
        const { runner, folder } = bench;
        const count = () => readFile(path.join(folder, "input/count"), "utf8").catch(() => "");
        await runner.prepare(JOB_OF_TESTS, folder);
        await runner.start(folder);
        await until(bench, () => existsSync(path.join(folder, "input/count")));
        await runner.pause(folder, true);
        const [before, paused] = [await count(), await runner.sample(folder)];
        await sleep(600);
        expect(await count()).to.equal(before);
        expect((await runner.sample(folder)).heldMs).to.equal(paused.heldMs);

        await runner.pause(folder, false);
        const { heldMs } = await until(bench, (sample) => sample.heldMs > paused.heldMs + 300);
        expect(await count()).not.to.equal(before);
        expect(heldMs).to.be.below(paused.heldMs + 600 + 300);
      });
    });

    it("waits for a supervisor that does not answer no longer than it is told", async () => {
      await withRun(`setInterval(() => {}, 1000)`, async (bench) => {
        const { folder, runner } = bench;
        await runner.prepare(JOB_OF_TESTS, folder);
        await runner.start(folder);
        await until(bench, ({ phase }) => phase === "running");
        const { stdout } = await promisify(execFile)("pgrep", ["-f", `supervisor.js ${folder}`]);
        process.kill(Number(stdout), "SIGSTOP");
        try {
          const impatient = new ProcessRunner(
            { kind: "process", name: "", command: "", args: [], env: {}, slots: {}, limits: PLENTY },
            200,
          );
          await expect(impatient.pause(folder, true)).to.be.rejectedWith(StuckRunError, "is not paused after 0.2 s");
        } finally {
          process.kill(Number(stdout), "SIGCONT");
        }
      });
    });

    it("ends a run that is asked to stop, and one that does not listen", async () => {
      const deaf = `process.on("SIGTERM", () => {});`;
      for (const program of [`setInterval(() => {}, 1000)`, `${deaf} setInterval(() => {}, 1000)`]) {
        await withRun(program, async (bench) => {
          await bench.runner.prepare(JOB_OF_TESTS, bench.folder);
          await bench.runner.start(bench.folder);
          await until(bench, ({ phase }) => phase === "running");
          await bench.runner.stop(bench.folder);
          expect((await bench.runner.sample(bench.folder)).outcome).to.deep.equal({ kind: "stopped" });
          expect(await processesOf(bench.folder)).to.deep.equal([]);
        });
      }
    });
  });

  describe("without the process that started it", () => {
    it("goes on, within its limits, and is found by the next one", async () => {
      const program = `setInterval(() => {}, 1000)`;
      await withRun(
        program,
        async (bench) => {
          const { folder, runner } = bench;
          await runner.prepare(JOB_OF_TESTS, folder);
          const starter = spawn(
            process.execPath,
            [
              "-e",
              `const { ProcessRunner } = require("@turingfog/network");
             new ProcessRunner({ slots: {} }).start(process.argv[1]).then(() => process.kill(process.pid, "SIGKILL"))`,
              folder,
            ],
            { cwd: __dirname, stdio: "inherit" },
          );
          expect(await once(starter, "exit")).to.deep.equal([null, "SIGKILL"]);
          expect((await until(bench, ({ phase }) => phase === "running")).outcome).to.equal(undefined);
          expect((await until(bench, ({ phase }) => phase === "ended")).outcome).to.deep.equal({
            kind: "over",
            limit: "seconds",
          });
        },
        { limits: { seconds: 1 } },
      );
    });

    it("begins anew if what watched it was gone before it began", async () => {
      await withRun("process.exit(3)", async (bench) => {
        const { folder, runner } = bench;
        await runner.prepare(JOB_OF_TESTS, folder);
        const sample = { ...NOTHING_USED, phase: "starting" };
        const supervisor = { pid: process.pid, startedAt: "0", boot: "another" };
        await writeFile(path.join(folder, "state.json"), JSON.stringify({ sample, supervisor }));
        expect((await runner.sample(folder)).phase).to.equal("prepared");
        expect((await runToEnd(bench)).outcome).to.deep.equal({ kind: "exited", code: 3 });
      });
    });

    it("is ended with all it has started once what watched it is gone", async () => {
      await withRun(`setInterval(() => {}, 1000)`, async (bench) => {
        const { folder, runner } = bench;
        await runner.prepare(JOB_OF_TESTS, folder);
        await runner.start(folder);
        await until(bench, ({ heldMs }) => heldMs > 300);
        const { stdout } = await promisify(execFile)("pgrep", ["-f", `supervisor.js ${folder}`]);
        process.kill(Number(stdout), "SIGKILL");
        const { outcome, heldMs } = await until(bench, ({ phase }) => phase === "ended");
        expect(outcome).to.deep.equal({ kind: "lost" });
        expect(heldMs).to.be.above(300);
        expect(await processesOf(folder)).to.deep.equal([]);
      });
    });
  });

  // an agent that is not root has no other account to give
  const asAnotherAccount = async () => {
    await withRun(
      `try { require("fs").readFileSync("../secret") } catch (error) { console.log(process.getuid(), error.code) }`,
      async (bench) => {
        await writeFile(path.join(bench.folder, "secret"), "key", { mode: 0o600 });
        await runToEnd(bench);
        expect(await readFile(path.join(bench.folder, "log.txt"), "utf8")).to.equal("65534 EACCES\n");
      },
      { user: { uid: 65_534, gid: 65_534 } },
    );
  };
  const isRoot = process.getuid?.() === 0;
  it("runs as another account, which cannot read what the agent has", isRoot ? asAnotherAccount : undefined);
});
