import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { PostgresCluster, postgresPrograms } from "../../../packages/network/test/helpers/postgres";
import { type BenchProcess, type ClientTask, type Method, Programs, type Usage } from "./messages";

/** Figures of one way to post readings. */
export interface Row {
  engine: "SQLite" | "PostgreSQL";
  method: Method;
  /** Processes of the signer. */
  processes: number;
  readings: number;
  postSize: number;
  /** Readings in one second of the signers' own CPU time. */
  perCpuSecond: number;
  /** Readings in one second of the clock. */
  perSecond: number;
}

export interface Measured {
  rows: Row[];
  catchUp: { readings: number; lost: number; cpuSeconds: number };
  /** MB for a million readings; of memory, what the process has grown by. */
  million: { diskMB: number; memoryMB: number; readings: number };
  /** Why there are no figures of PostgreSQL. */
  postgresMissing?: string;
}

/** Nodes, which is also the number of posts in flight. */
const METERS = 240;

/** Readings of each node that warm the code up before it is measured. */
const WARM_UP = 32;

const CAUGHT_UP = 100_000;

interface Load {
  readingsEach: number;
  postSize: number;
}

export async function measureAll(onLine: (line: string) => void): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-bench-"));
  const file = (name: string) => path.join(folder, `${name}.sqlite`);
  const programs = new Programs(path.join(folder, "programs"));
  const rows: Row[] = [];
  const add = async (locations: string[], load: Load, method: Method = "native", meters = METERS) => {
    const row = await measure(programs, locations, load, method, meters);
    const { engine, postSize, perCpuSecond } = row;
    onLine(`${engine}, ${method}, posts of ${postSize}: ${perCpuSecond.toFixed(0)} readings a CPU second`);
    rows.push(row);
  };
  try {
    await add([file("ethers")], { readingsEach: 64, postSize: 64 }, "ethers", 40);
    await add([file("many")], { readingsEach: 256, postSize: 64 });
    await add([file("one")], { readingsEach: 128, postSize: 1 });
    const postgres = postgresPrograms();
    if (postgres !== undefined) {
      const cluster = PostgresCluster.start(postgres, { isDurable: true });
      try {
        const [many, one] = [cluster.create(), cluster.create()];
        await add([many, many], { readingsEach: 128, postSize: 64 });
        await add([one, one], { readingsEach: 64, postSize: 1 });
      } finally {
        cluster.stop();
      }
    }
    const { catchUp, million } = await measureCatchUp(programs, file("whole"), file("behind"));
    onLine(`caught up ${catchUp.readings} in ${catchUp.cpuSeconds.toFixed(1)} s of CPU`);
    const postgresMissing = postgres === undefined ? "it is not installed: npm run setup:postgresql" : undefined;
    return { rows, catchUp, million, postgresMissing };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Posts readings to signers, and counts the CPU time of the signers alone. */
async function measure(
  programs: Programs,
  locations: string[],
  load: Load,
  method: Method,
  meters: number,
): Promise<Row> {
  const signers = [];
  for (const location of locations) signers.push(await programs.start({ role: "signer", location, meters, method }));
  const ports = signers.map(({ port }) => port);
  const task: ClientTask = { role: "client", ports, first: 1, meters, done: 0, ...load };
  try {
    await post(programs, { ...task, readingsEach: load.postSize === 1 ? WARM_UP : 64 });
    const { process } = await programs.start({ ...task, done: load.postSize === 1 ? WARM_UP : 64 });
    const before = await usages(signers);
    const { accepted, seconds } = await process.ask<{ accepted: number; seconds: number }>({ go: true });
    const after = await usages(signers);
    await process.stop();
    const readings = meters * load.readingsEach;
    if (accepted !== readings) throw new Error(`${accepted} of ${readings} readings were accepted`);
    return {
      engine: locations[0].startsWith("postgres") ? "PostgreSQL" : "SQLite",
      method,
      processes: locations.length,
      readings,
      postSize: load.postSize,
      perCpuSecond: readings / (after.cpu - before.cpu),
      perSecond: readings / seconds,
    };
  } finally {
    for (const { process } of signers) await process.stop();
  }
}

async function post(programs: Programs, task: ClientTask): Promise<void> {
  const { process } = await programs.start(task);
  await process.ask({ go: true });
  await process.stop();
}

async function usages(signers: readonly { process: BenchProcess }[]): Promise<Usage> {
  const all = await Promise.all(signers.map(({ process }) => process.ask<Usage>({ usage: true })));
  return { cpu: all.reduce((sum, { cpu }) => sum + cpu, 0), rss: all.reduce((sum, { rss }) => sum + rss, 0) };
}

/** Fills one signer, then has another one catch up. */
async function measureCatchUp(
  programs: Programs,
  whole: string,
  behind: string,
): Promise<Pick<Measured, "catchUp" | "million">> {
  const meters = METERS;
  const readingsEach = Math.ceil(CAUGHT_UP / meters);
  const readings = meters * readingsEach;
  const full = await programs.start({ role: "signer", location: whole, meters, method: "native" });
  const late = await programs.start({ role: "signer", location: behind, meters, method: "native" });
  try {
    const start = await full.process.ask<Usage>({ usage: true });
    await post(programs, { role: "client", ports: [full.port], first: 1, meters, readingsEach, postSize: 64, done: 0 });
    const filled = await full.process.ask<Usage>({ usage: true });

    const before = await late.process.ask<Usage>({ usage: true });
    await late.process.ask<number>({ catchUp: `http://127.0.0.1:${full.port}` });
    const after = await late.process.ask<Usage>({ usage: true });
    const stored = Number(await late.process.ask<bigint>({ count: true }));
    // bytes for each reading are MB for a million
    const million = {
      readings,
      diskMB: sizeOf(whole) / readings,
      memoryMB: (filled.rss - start.rss) / readings,
    };
    return { catchUp: { readings, lost: readings - stored, cpuSeconds: after.cpu - before.cpu }, million };
  } finally {
    await late.process.stop();
    await full.process.stop();
  }
}

/** Returns the bytes of a store with its log. */
function sizeOf(file: string): number {
  const folder = path.dirname(file);
  const parts = readdirSync(folder).filter((name) => name.startsWith(path.basename(file)));
  return parts.reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
}
