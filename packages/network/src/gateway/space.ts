import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";

import { RefusedError } from "../http/index.js";
import type { Sessions } from "./sessions.js";
import type { SessionRow } from "./tables.js";

/** Bytes that a file counts for beside its own: an empty one takes room too. */
const FILE_COST = 4_096;

/** Seconds after its end for which a quote's files stay: it may have been accepted in its last moment. */
const MARGIN = 3_600n;

/** Seconds between two looks for what can be bought no more. */
const SWEEP = 60n;

export interface SpaceOptions {
  /** Folder of the sessions, a folder each. */
  folder: string;
  sessions: Pick<Sessions, "byId">;
  /** Unix seconds. */
  now: () => bigint;
  /** Bytes of all sessions that were not paid, together. */
  maxBytes: number;
}

/**
 * The room on the disk that strangers have: what all sessions have there that were not paid, up to a number of bytes. What
 * can be bought no more is deleted when there is no room left.
 */
export class UnpaidSpace {
  /** Bytes by session. Those of sessions that were paid meanwhile are in it until the next look. */
  private readonly held = new Map<string, number>();
  private total = 0;
  private sweptAt?: bigint;
  private loaded?: Promise<void>;

  constructor(private readonly options: SpaceOptions) {}

  /**
   * Counts a file that is about to be written, and makes room for so many bytes if that can be done.
   * @throws RefusedError if there is none
   */
  async begin(id: string, bytes: number): Promise<void> {
    this.loaded ??= this.load();
    await this.loaded;
    const { maxBytes, now } = this.options;
    if (this.total + FILE_COST + bytes > maxBytes && now() - (this.sweptAt ?? 0n) >= SWEEP) await this.sweep();
    this.take(id, FILE_COST);
  }

  /** @throws RefusedError if there is no room for so many bytes more */
  take(id: string, bytes: number): void {
    if (this.total + bytes > this.options.maxBytes) {
      throw new RefusedError(
        503,
        "no-space",
        "The gateway has no room for files of orders at present: try again later",
      );
    }
    this.set(id, (this.held.get(id) ?? 0) + bytes);
  }

  /** Counts what a session has now. */
  async measure(id: string): Promise<void> {
    this.set(id, await sizeOf(path.join(this.options.folder, id)));
  }

  forget(id: string): void {
    this.set(id, 0);
  }

  private set(id: string, bytes: number): void {
    this.total += bytes - (this.held.get(id) ?? 0);
    if (bytes === 0) this.held.delete(id);
    else this.held.set(id, bytes);
  }

  /** Counts what is there since before, and deletes parts of files whose upload a crash has ended. */
  private async load(): Promise<void> {
    const { folder } = this.options;
    for (const id of await readdir(folder).catch(() => [])) {
      const at = path.join(folder, id);
      const parts = (await readdir(at).catch(() => [])).filter((name) => name.endsWith(".part"));
      for (const part of parts) await rm(path.join(at, part), { force: true });
      this.set(id, await sizeOf(at));
    }
    await this.sweep();
  }

  private async sweep(): Promise<void> {
    const { folder, sessions, now } = this.options;
    this.sweptAt = now();
    for (const id of [...this.held.keys()]) {
      const row = await sessions.byId(id);
      if (row !== undefined && isOpen(row, now())) continue;
      if (row === undefined || !isPaid(row)) await rm(path.join(folder, id), { recursive: true, force: true });
      this.forget(id);
    }
  }
}

function isPaid({ state }: SessionRow): boolean {
  return state !== "quoted" && state !== "checkout" && state !== "expired";
}

/** Whether a session may still be paid. */
function isOpen({ state, quote_expires_at: until }: SessionRow, now: bigint): boolean {
  return state === "checkout" || (state === "quoted" && now < until + MARGIN);
}

/** Returns the bytes of a session's job, as its customer sent it and as it is sealed. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const sizes = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return sizes.reduce((sum, each) => sum + (each === undefined ? 0 : each.size + FILE_COST), 0);
}
