import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const PODMAN = "/usr/bin/podman";
const BUSYBOX = "/bin/busybox";

/** Title of a test that stands in for those of containers where nothing runs them. */
export const PODMAN_MISSING = "needs podman: run `npm run setup:podman` as root";

/** Programs of busybox that the image has. */
const APPLETS = ["cat", "dd", "echo", "id", "ls", "mv", "sh", "sleep", "touch"];

/** Checks whether containers can be run here. */
export function hasPodman(): boolean {
  return existsSync(PODMAN) && existsSync(BUSYBOX) && process.getuid?.() === 0;
}

/** Podman with images and containers of its own, in a folder that is thrown away. */
export class Podman {
  private readonly folder = mkdtempSync(path.join(tmpdir(), "turingfog-podman-"));
  readonly engine = {
    command: path.join(this.folder, "podman"),
    env: { CONTAINERS_STORAGE_CONF: "", CONTAINERS_CONF: "", TMPDIR: "" },
  };

  constructor() {
    const { folder, engine } = this;
    engine.env.CONTAINERS_STORAGE_CONF = this.write(
      "storage.conf",
      `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/images"\nrunroot = "${folder}/run"\n`,
    );
    // runc, because crun refuses a machine that has both versions of control groups
    engine.env.CONTAINERS_CONF = this.write(
      "containers.conf",
      `[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n`,
    );
    engine.env.TMPDIR = folder;
    // as root it asks for as many processes as there can be, which a root without all capabilities may not have
    this.write(
      "podman",
      `#!/bin/sh\n[ "$1" = create ] && shift && set -- create --ulimit nproc=4096:4096 "$@"\nexec ${PODMAN} "$@"\n`,
    );
    chmodSync(engine.command, 0o700);
  }

  /** Makes an image of busybox, and returns its name with its digest. @param changes as of a Dockerfile */
  image(name: string, changes: string[] = []): string {
    const root = path.join(this.folder, "root");
    rmSync(root, { recursive: true, force: true });
    mkdirSync(path.join(root, "bin"), { recursive: true });
    copyFileSync(BUSYBOX, path.join(root, "bin/busybox"));
    for (const applet of APPLETS) symlinkSync("busybox", path.join(root, "bin", applet));
    const archive = path.join(this.folder, "root.tar");
    execFileSync("tar", ["-C", root, "-cf", archive, "."]);
    this.call(["import", ...changes.flatMap((change) => ["--change", change]), archive, name]);
    return `${name.split(":")[0]}@${this.call(["image", "inspect", "--format", "{{.Digest}}", name])}`;
  }

  /** Returns the names of all containers. */
  containers(): string[] {
    return this.call(["ps", "--all", "--format", "{{.Names}}"]).split("\n").filter(Boolean);
  }

  call(args: string[]): string {
    const env = { ...process.env, ...this.engine.env };
    return execFileSync(PODMAN, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  }

  remove(): void {
    this.call(["rm", "--all", "--force", "--time", "0"]);
    this.call(["rmi", "--all", "--force"]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private write(name: string, content: string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }
}
