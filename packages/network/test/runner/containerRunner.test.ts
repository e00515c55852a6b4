import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import {
  ContainerRunner,
  type ContainerRunnerConfig,
  type RunLimits,
  type Sample,
  SlotRefusedError,
  UnpreparedRunError,
} from "@turingfog/network";
import { expect } from "chai";

import { inFolder } from "../helpers/folders";
import { JOB_OF_TESTS } from "../helpers/jobs";
import { hasPodman, Podman, PODMAN_MISSING } from "../helpers/podman";

const PLENTY: RunLimits = { memoryMiB: 64, cpuSeconds: 60, processes: 16, seconds: 60, outputMiB: 4 };
const DIGEST = `sha256:${"ab".repeat(32)}`;

const CONFIG: ContainerRunnerConfig = {
  name: "box",
  engine: { command: "/usr/bin/docker", env: {} },
  image: "{IMAGE}",
  registries: ["ghcr.io/acme", "localhost"],
  pullSeconds: 60,
  args: ["/bin/sh", "/input/run.sh"],
  env: {},
  slots: { IMAGE: "[a-z0-9.:/@_-]{1,300}" },
  limits: PLENTY,
  gpus: [],
};

/** The arguments that a run was prepared with. */
async function preparedArgs(config: Partial<ContainerRunnerConfig>, folder: string): Promise<string[]> {
  const runner = new ContainerRunner({ ...CONFIG, ...config });
  await mkdir(path.join(folder, "input"), { recursive: true });
  await runner.prepare({ ...JOB_OF_TESTS, slots: { IMAGE: `ghcr.io/acme/job@${DIGEST}` } }, folder);
  const plan = JSON.parse(await readFile(path.join(folder, "plan.json"), "utf8")) as { create: string[] };
  return plan.create;
}

describe("ContainerRunner", () => {
  describe("prepare", () => {
    const refused: [string, string, RegExp][] = [
      [
        "without a digest",
        "ghcr.io/acme/job:1",
        /image: must be a registry, a name and a digest.*"ghcr.io\/acme\/job:1"/,
      ],
      ["with a short digest", "ghcr.io/acme/job@sha256:abcd", /image: must be a registry, a name and a digest/],
      [
        "of a registry that its owner does not list",
        `docker.io/acme/job@${DIGEST}`,
        /must come from ghcr.io\/acme or local/,
      ],
      [
        "of another folder that begins alike",
        `ghcr.io/acmes/job@${DIGEST}`,
        /must come from ghcr.io\/acme or localhost/,
      ],
      ["that the engine would read as an option", `--privileged@${DIGEST}`, /image: must be a registry/],
      ["that leads out of the folder", `ghcr.io/acme/../job@${DIGEST}`, /leads out of the folder/],
    ];
    for (const [what, image, message] of refused) {
      it(`refuses an image ${what}, and writes nothing down`, async () => {
        await inFolder(async (folder) => {
          const runner = new ContainerRunner(CONFIG);
          const job = { ...JOB_OF_TESTS, slots: { IMAGE: image } };
          const refusal = await runner.prepare(job, folder).catch((error: unknown) => error);
          expect(refusal).to.be.instanceOf(SlotRefusedError);
          expect((refusal as Error).message).to.match(message);
          await expect(runner.start(folder)).to.be.rejectedWith(UnpreparedRunError);
        });
      });
    }

    it("gives a container no network, no capability, no privilege, and limits", async () => {
      await inFolder(async (folder) => {
        const args = await preparedArgs({ cpus: 2, gpus: ["0", "1"], user: { uid: 65_534, gid: 65_533 } }, folder);
        const pairs = args.map((arg, i) => `${arg} ${args[i + 1]}`);
        expect(args[0]).to.equal("create");
        expect(pairs).to.include.members([
          "--pull never",
          "--network none",
          "--cap-drop ALL",
          "--security-opt no-new-privileges",
          "--user 65534:65533",
          "--memory 64m",
          "--memory-swap 64m",
          "--pids-limit 16",
          "--cpus 2",
          "--device nvidia.com/gpu=0",
          "--device nvidia.com/gpu=1",
          `--mount type=bind,source=${folder}/input,target=/input,readonly`,
          `--mount type=bind,source=${folder}/output,target=/output`,
        ]);
        expect(args).to.include("--read-only");
        expect(args.slice(-3)).to.deep.equal([`ghcr.io/acme/job@${DIGEST}`, "/bin/sh", "/input/run.sh"]);
      });
    });

    it("names a container by its run's folder", async () => {
      await inFolder(async (folder) => {
        const nameIn = async (run: string) => {
          return (await preparedArgs({}, path.join(folder, run)))[2];
        };
        const names = [await nameIn("1"), await nameIn("2")];
        expect(names[0])
          .to.match(/^turingfog-[0-9a-f]{32}$/)
          .and.not.equal(names[1]);
      });
    });
  });

  if (!hasPodman()) {
    it(PODMAN_MISSING);
    return;
  }

  describe("in podman", () => {
    let podman: Podman;
    let image: string;
    before(() => {
      podman = new Podman();
      image = podman.image("localhost/box:1");
    });
    after(() => podman.remove());

    interface Bench {
      folder: string;
      runner: ContainerRunner;
    }

    /** Calls `use` with a run of a shell's script, and sees to it that no container is left. */
    async function withRun(
      script: string,
      use: (bench: Bench) => Promise<void>,
      { limits, ...config }: Partial<Omit<ContainerRunnerConfig, "limits">> & { limits?: Partial<RunLimits> } = {},
    ): Promise<void> {
      await inFolder(async (folder) => {
        const runner = new ContainerRunner({
          ...{ ...CONFIG, engine: podman.engine, image, slots: {}, limits: { ...PLENTY, ...limits } },
          ...config,
        });
        await mkdir(path.join(folder, "input"));
        await writeFile(path.join(folder, "input/run.sh"), script);
        await runner.prepare({ ...JOB_OF_TESTS, slots: {} }, folder);
        try {
          await use({ folder, runner });
        } finally {
          await runner.stop(folder);
        }
        expect(podman.containers()).to.deep.equal([]);
      });
    }

    async function until({ runner, folder }: Bench, isSo: (sample: Sample) => boolean): Promise<Sample> {
      for (;;) {
        const sample = await runner.sample(folder);
        if (isSo(sample)) return sample;
        if (sample.phase === "ended") throw new Error(`the run has ended: ${JSON.stringify(sample)}`);
        await sleep(25);
      }
    }

    async function runToEnd(bench: Bench): Promise<Sample & { log: string }> {
      await bench.runner.start(bench.folder);
      const sample = await until(bench, ({ phase }) => phase === "ended");
      return { ...sample, log: await readFile(path.join(bench.folder, "log.txt"), "utf8") };
    }

    it("runs what a job brings, keeps its log, and delivers what it has written", async () => {
      await withRun(
        "id; cat /input/run.sh > /output/copy; echo 640 > /output/images; exit 7",
        async (bench) => {
          const { outcome, log, images, cpuSeconds } = await runToEnd(bench);
          expect(outcome).to.deep.equal({ kind: "exited", code: 7 });
          expect(log).to.equal("uid=0(0) gid=0(0) groups=0(0)\n");
          expect(images).to.equal(640);
          expect(cpuSeconds).to.be.below(10);
          expect(await readFile(path.join(bench.folder, "output/copy"), "utf8")).to.contain("exit 7");
        },
        { images: "images" },
      );
    });

    it("lets a run reach no network, write nowhere else, gain nothing, and see no environment of the agent's", async () => {
      const script = `
        touch /bin/x /input/x 2>&1; touch /tmp/x && echo tmp
        cat /proc/self/status > /output/status; cat /proc/self/environ > /output/environ; ls /sys/class/net`;
      await withRun(
        script,
        async (bench) => {
          process.env.TURINGFOG_PASSPHRASE = "secret of the agent";
          const { log } = await runToEnd(bench).finally(() => delete process.env.TURINGFOG_PASSPHRASE);
          expect(log.trim().split("\n")).to.deep.equal([
            "touch: /bin/x: Read-only file system",
            "touch: /input/x: Read-only file system",
            "tmp",
            "lo",
          ]);
          const status = await readFile(path.join(bench.folder, "output/status"), "utf8");
          expect(status)
            .to.match(/^CapEff:\s+0+$/m)
            .and.to.match(/^NoNewPrivs:\s+1$/m);
          const environ = (await readFile(path.join(bench.folder, "output/environ"), "utf8")).split("\0");
          expect(environ).to.include.members(["MODEL=small", "HOME=/tmp"]);
          expect(environ.filter((each) => each.includes("TURINGFOG"))).to.deep.equal([]);
        },
        { env: { MODEL: "small" } },
      );
    });

    const over: [keyof RunLimits, Partial<RunLimits>, string][] = [
      ["memoryMiB", { memoryMiB: 16 }, "dd if=/dev/zero of=/dev/null bs=64M count=1"],
      ["cpuSeconds", { cpuSeconds: 1 }, "while :; do :; done"],
      ["seconds", { seconds: 1 }, "sleep 60"],
      ["outputMiB", { outputMiB: 1 }, "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"],
      ["outputMiB", { outputMiB: 1 }, "dd if=/dev/zero of=/output/x bs=1M count=9; sleep 60"],
    ];
    for (const [limit, limits, script] of over) {
      it(`ends a run over its ${limit} (${script.slice(0, 20)})`, async () => {
        await withRun(
          script,
          async (bench) => {
            expect((await runToEnd(bench)).outcome).to.deep.equal({ kind: "over", limit });
          },
          { limits },
        );
      });
    }

    it("lets a run start no more processes than its owner gives", async () => {
      const script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; echo all";
      await withRun(
        script,
        async (bench) => {
          const { log } = await runToEnd(bench);
          expect(log).to.contain("can't fork").and.not.to.contain("all");
        },
        { limits: { processes: 4 } },
      );
    });

    it("stands still while it is paused, and does not count that time", async () => {
      await withRun(
        "n=0; while :; do n=$((n+1)); echo $n > /output/next; mv /output/next /output/n; done",
        async (bench) => {
          const { runner, folder } = bench;
          const count = async () => Number(await readFile(path.join(folder, "output/n"), "utf8").catch(() => "0"));
          await runner.start(folder);
          await until(bench, ({ heldMs }) => heldMs > 300);
          await runner.pause(folder, true);
          const [before, paused] = [await count(), await runner.sample(folder)];
          await sleep(600);
          expect(await count()).to.equal(before);
          expect((await runner.sample(folder)).heldMs).to.equal(paused.heldMs);
          await runner.pause(folder, false);
          await until(bench, ({ heldMs }) => heldMs > paused.heldMs + 300);
          expect(await count()).to.be.above(before);
          await runner.pause(folder, true);
          await runner.stop(folder);
          expect((await runner.sample(folder)).outcome).to.deep.equal({ kind: "stopped" });
        },
      );
    });

    it("is ended with its container once what watched it is gone", async () => {
      await withRun("sleep 60", async (bench) => {
        const { runner, folder } = bench;
        await runner.start(folder);
        await until(bench, ({ processes }) => processes > 0);
        const { stdout } = await promisify(execFile)("pgrep", ["-f", `supervisor.js ${folder}`]);
        process.kill(Number(stdout), "SIGKILL");
        const { outcome } = await until(bench, ({ phase }) => phase === "ended");
        expect(outcome).to.deep.equal({ kind: "lost" });
        expect(podman.containers()).to.deep.equal([]);
      });
    });

    it("refuses an image with volumes, which have no limit", async () => {
      const roomy = podman.image("localhost/roomy:1", ["VOLUME /data"]);
      await withRun(
        "echo never",
        async (bench) => {
          const { outcome } = await runToEnd(bench);
          expect(outcome)
            .to.have.property("reason")
            .that.matches(/localhost\/roomy@.* declares volumes, .* \/data$/);
        },
        { image: roomy },
      );
    });

    it("tells that an image does not have the program, and does not call it done", async () => {
      await withRun(
        "",
        async (bench) => {
          const { outcome, log } = await runToEnd(bench);
          expect(outcome).to.deep.equal({ kind: "failed", reason: "its container could not be started: see its log" });
          expect(log).to.contain("/nowhere");
        },
        { args: ["/nowhere"] },
      );
    });

    it("tells why an image cannot be had, and counts no time for it", async () => {
      await withRun(
        "echo never",
        async (bench) => {
          const { outcome, heldMs } = await runToEnd(bench);
          expect(outcome)
            .to.have.property("reason")
            .that.matches(/\/podman pull --quiet: /);
          expect(heldMs).to.equal(0);
        },
        { image: `localhost/none@${DIGEST}` },
      );
    });
  });
});
