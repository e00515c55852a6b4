import { createHash } from "node:crypto";
import { homedir } from "node:os";
import path from "node:path";

import type { Job, Runner as Offer } from "@turingfog/sdk/wire";

import type { Engine } from "./engine.js";
import { fileLimit } from "./processTarget.js";
import { RunFiles } from "./runFiles.js";
import type { RunLimits } from "./runner.js";
import { type Account, checkSlots, fill, fillArgs, fillValues, makeFolders, SlotRefusedError } from "./slots.js";
import { PATH, SupervisedRunner } from "./supervisedRunner.js";

/** What an owner lets jobs run in containers. */
export interface ContainerRunnerConfig {
  name: string;
  engine: Engine;
  /** An image by its digest, or a slot for one. */
  image: string;
  /** What an image may come from: registries and folders in them, such as `docker.io/nvidia`. */
  registries: string[];
  /** Seconds that fetching an image may take. */
  pullSeconds: number;
  /** As of a process; `{input}` and `{output}` are `/input` and `/output`. Without any, the image's own command runs. */
  args: string[];
  env: Record<string, string>;
  slots: Record<string, string>;
  limits: RunLimits;
  /** CPUs that it may keep busy; all if left out. */
  cpus?: number;
  /** GPUs by their names in the engine's device specification (CDI): `0`, `1` or `all`. */
  gpus: string[];
  user?: Account;
  images?: string;
}

/** Where a container has the run's folders. */
const INSIDE = { input: "/input", output: "/output" };

/** An image by its digest: a registry, folders, a name. */
const REFERENCE = /^([a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+)@sha256:[0-9a-f]{64}$/;

/** Files that a container may have open. */
const OPEN_FILES = 4_096;

/**
 * Runs an image in a container of docker or podman: without a network, without capabilities, with a root that is read-only,
 * and with no more of the machine than its owner gives.
 */
export class ContainerRunner extends SupervisedRunner {
  readonly offer: Offer;
  readonly countsImages: boolean;

  constructor(private readonly config: ContainerRunnerConfig) {
    super();
    const { name, slots, images } = config;
    this.offer = { kind: "container", name, slots };
    this.countsImages = images !== undefined;
  }

  async prepare(job: Job, folder: string): Promise<void> {
    const { engine, limits, images, user, pullSeconds } = this.config;
    checkSlots(this.offer, job.slots);
    const values = { ...job.slots, ...INSIDE };
    const image = this.imageOf(fill(this.config.image, values));
    const name = `turingfog-${createHash("sha256").update(folder).digest("hex").slice(0, 32)}`;
    const create = this.create(name, image, values, await makeFolders(folder, user));
    await new RunFiles(folder).writePlan({
      kind: "container",
      engine: { command: engine.command, env: { PATH, HOME: homedir(), ...engine.env } },
      name,
      image,
      pullSeconds,
      create,
      limits,
      images: images === undefined ? undefined : { file: images },
    });
  }

  /** @throws SlotRefusedError unless the owner takes the image */
  private imageOf(image: string): string {
    const { name, registries } = this.config;
    const refuse = (reason: string): never => {
      throw new SlotRefusedError(name, "image", `${reason}, it is ${JSON.stringify(image.slice(0, 300))}`);
    };
    const repository = REFERENCE.exec(image)?.[1];
    if (repository === undefined) {
      return refuse("must be a registry, a name and a digest, as docker.io/library/debian@sha256:…");
    }
    if (!registries.some((each) => repository.startsWith(`${each}/`))) {
      return refuse(`must come from ${registries.join(" or ")}`);
    }
    return image;
  }

  private create(
    name: string,
    image: string,
    values: Record<string, string>,
    { input, output }: { input: string; output: string },
  ): string[] {
    const { limits, args, env, gpus, cpus, user } = this.config;
    const { uid, gid } = user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const environment = { HOME: "/tmp", TMPDIR: "/tmp", LANG: "C.UTF-8", ...fillValues(env, values) };
    return [
      ...["create", "--name", name, "--pull", "never", "--log-driver", "none", "--no-healthcheck"],
      ...["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
      ...["--user", `${uid}:${gid}`, ...(this.keepsId(uid) ? ["--userns", "keep-id"] : [])],
      ...["--memory", `${limits.memoryMiB}m`, "--memory-swap", `${limits.memoryMiB}m`],
      ...["--pids-limit", String(limits.processes), ...(cpus === undefined ? [] : ["--cpus", String(cpus)])],
      ...["--ulimit", "core=0:0", "--ulimit", `nofile=${OPEN_FILES}:${OPEN_FILES}`],
      ...["--ulimit", `fsize=${fileLimit(limits.outputMiB)}:${fileLimit(limits.outputMiB)}`],
      ...["--tmpfs", `/tmp:rw,nosuid,nodev,size=${limits.memoryMiB}m`],
      ...["--mount", `type=bind,source=${input},target=${INSIDE.input},readonly`],
      ...["--mount", `type=bind,source=${output},target=${INSIDE.output}`, "--workdir", INSIDE.input],
      ...Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...gpus.flatMap((gpu) => ["--device", `nvidia.com/gpu=${gpu}`]),
      image,
      ...fillArgs(this.config.name, args, values),
    ];
  }

  /** An account has another number in podman's own name space, unless podman is told to keep it. */
  private keepsId(uid: number): boolean {
    return path.basename(this.config.engine.command) === "podman" && process.getuid?.() !== 0 && uid !== 0;
  }
}
