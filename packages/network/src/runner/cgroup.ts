import { readFile } from "node:fs/promises";
import path from "node:path";

import type { Use } from "./target.js";

const ROOT = "/sys/fs/cgroup";

/**
 * Reads what all processes have used that are in the control group of one, those that have ended included. Both versions of
 * the kernel's interface are read: "Control Group v2" and, for older systems, v1 (docs.kernel.org, admin-guide).
 * @param text of `/proc/PID/cgroup`
 * @throws if the group is gone
 */
export async function useOf(text: string, root = ROOT): Promise<Use> {
  const groups = text
    .trim()
    .split("\n")
    .map((line) => line.split(":"))
    .map(([, controllers, ...rest]) => ({ controllers: controllers.split(","), group: rest.join(":") }));
  const groupOf = (controller: string) => groups.find(({ controllers }) => controllers.includes(controller))?.group;
  const read = (...parts: string[]) => readFile(path.join(root, ...parts), "utf8");

  const [cpu, memory, pids] = ["cpuacct", "memory", "pids"].map(groupOf);
  if (cpu !== undefined && memory !== undefined && pids !== undefined) {
    return {
      cpuSeconds: Number(await read("cpuacct", cpu, "cpuacct.usage")) / 1e9,
      memoryBytes: Number(await read("memory", memory, "memory.usage_in_bytes")),
      processes: Number(await read("pids", pids, "pids.current")),
    };
  }
  const unified = groupOf("") ?? "/";
  const used = /^usage_usec (\d+)$/m.exec(await read(unified, "cpu.stat"))?.[1];
  return {
    cpuSeconds: Number(used) / 1e6,
    memoryBytes: Number(await read(unified, "memory.current")),
    processes: Number(await read(unified, "pids.current")),
  };
}
