import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { useOf } from "@turingfog/network";
import { expect } from "chai";

import { inFolder } from "../helpers/folders";

/** Files of the kernel's interface, by their path. */
async function withGroups(files: Record<string, string>, test: (root: string) => Promise<void>): Promise<void> {
  await inFolder(async (root) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), text);
    }
    await test(root);
  });
}

describe("What a control group has used", () => {
  it("is read from version 2", async () => {
    const files = {
      "system.slice/docker-1.scope/cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n",
      "system.slice/docker-1.scope/memory.current": "1048576\n",
      "system.slice/docker-1.scope/pids.current": "3\n",
    };
    await withGroups(files, async (root) => {
      const use = await useOf("0::/system.slice/docker-1.scope\n", root);
      expect(use).to.deep.equal({ cpuSeconds: 2.5, memoryBytes: 1_048_576, processes: 3 });
    });
  });

  it("is read from version 1, each number from the group of its controller", async () => {
    const files = {
      "cpuacct/a:b/cpuacct.usage": "2500000000\n",
      "memory/c/memory.usage_in_bytes": "1048576\n",
      "pids/d/pids.current": "3\n",
    };
    await withGroups(files, async (root) => {
      const text = "8:pids:/d\n4:memory:/c\n2:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/\n";
      expect(await useOf(text, root)).to.deep.equal({ cpuSeconds: 2.5, memoryBytes: 1_048_576, processes: 3 });
    });
  });

  it("is unknown once the group is gone", async () => {
    await withGroups({}, async (root) => {
      await expect(useOf("0::/gone\n", root)).to.be.rejectedWith("ENOENT");
    });
  });
});
