import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const INSTALLED = "/usr/lib/postgresql";

/** Title of a test that stands in for those of an engine that is not installed. */
export const POSTGRES_MISSING =
  "needs PostgreSQL: run `npm run setup:postgresql` as root, or set POSTGRES_BIN to its programs";

/** Returns the folder of PostgreSQL's programs; undefined if it is not installed. */
export function postgresPrograms(): string | undefined {
  if (process.env.POSTGRES_BIN) return process.env.POSTGRES_BIN;
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).sort((a, b) => Number(b) - Number(a)) : [];
  return versions
    .map((version) => path.join(INSTALLED, version, "bin"))
    .find((bin) => existsSync(path.join(bin, "initdb")));
}

/** A cluster of PostgreSQL that is thrown away, on a socket in a folder of its own. */
export class PostgresCluster {
  private databases = 0;

  private constructor(
    private readonly programs: string,
    private readonly folder: string,
  ) {}

  /** @param isDurable whether a commit waits for the disk, which tests need not */
  static start(programs: string, { isDurable } = { isDurable: false }): PostgresCluster {
    const cluster = new PostgresCluster(programs, mkdtempSync(path.join(tmpdir(), "turingfog-postgres-")));
    const { folder } = cluster;
    const user = userOf();
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const data = path.join(folder, "data");
    cluster.run("initdb", ["-D", data, "-U", "turingfog", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]);
    const fsync = isDurable ? "" : "-c fsync=off";
    const options = `${fsync} -c listen_addresses='' -c unix_socket_directories='${folder}' -c max_connections=50`;
    cluster.run("pg_ctl", ["-D", data, "-w", "-t", "60", "-l", path.join(folder, "log"), "-o", options, "start"]);
    return cluster;
  }

  /** Returns the URL of a new and empty database. */
  create(): string {
    const name = `test${++this.databases}`;
    this.run("createdb", ["-h", this.folder, "-U", "turingfog", name]);
    return `postgres://turingfog@localhost/${name}?host=${encodeURIComponent(this.folder)}`;
  }

  stop(): void {
    this.run("pg_ctl", ["-D", path.join(this.folder, "data"), "-m", "immediate", "stop"]);
    rmSync(this.folder, { recursive: true });
  }

  private run(program: string, args: string[]): void {
    const { status, stderr } = spawnSync(path.join(this.programs, program), args, {
      ...userOf(),
      cwd: this.folder,
      encoding: "utf8",
      // a server that kept these open would keep this from ending
      stdio: ["ignore", "ignore", program === "pg_ctl" ? "ignore" : "pipe"],
    });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr ?? ""}`);
  }
}

/** PostgreSQL refuses to run as root; Debian's package has made a user for it. */
function userOf(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
  return { uid: id("-u"), gid: id("-g") };
}
