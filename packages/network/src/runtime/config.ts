import { AsyncLocalStorage } from "node:async_hooks";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import path from "node:path";

import { TuringFogError } from "@turingfog/sdk";
import JSON5 from "json5";
import { z } from "zod";

/** Thrown when a configuration file cannot be used. Nothing has been started then. */
export class ConfigError extends TuringFogError {
  constructor(
    readonly file: string,
    /** Path of the value, such as `monitor.port`; empty for the whole file. */
    readonly field: string,
    reason: string,
  ) {
    super(`${file}${field === "" ? "" : `, ${field}`}: ${reason}`);
  }
}

/** An address to listen on, of this machine alone unless the host says otherwise. */
export const listenConfig = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  /** 0 for any that is free. */
  port: z.int().min(0).max(65_535),
});

const network = z
  .string()
  .refine(
    (text) => isIP(text.split("/")[0]) !== 0 && /^[^/]+(\/\d{1,3})?$/.test(text),
    "must be an address, or one with the bits of its network, as 10.0.0.0/8",
  );

/** Where strangers reach a role, perhaps through proxies. */
export const serveConfig = listenConfig.extend({
  /** Addresses or networks of proxies, which say in X-Forwarded-For whom a request comes from. */
  trustedProxies: z.array(network).default([]),
});

export type ListenConfig = z.infer<typeof listenConfig>;

/** What every role's configuration file has. */
export const RUNTIME_CONFIG = {
  /** Serves `/health` and `/metrics`. */
  monitor: listenConfig,
  /** `chain` takes the latest block's time for the present: for test networks whose time is moved. */
  clock: z.enum(["system", "chain"]).default("system"),
  log: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
};

export type RuntimeConfig = { [K in keyof typeof RUNTIME_CONFIG]: z.infer<(typeof RUNTIME_CONFIG)[K]> };

/** The folder of the file that is being read. */
const folder = new AsyncLocalStorage<string>();

/** A path in a configuration file, relative to it. */
export const pathConfig = z
  .string()
  .min(1)
  .transform((value) => path.resolve(folder.getStore() ?? "", value));

/**
 * Reads a configuration file in JSON5, and checks all of it.
 * @throws ConfigError that names the first wrong value
 */
export async function readConfig<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(file, "", error.code === "ENOENT" ? "there is no such file" : String(error.code));
  });
  return parseConfig(file, text, schema);
}

/**
 * Checks all of a configuration file's text.
 * @throws ConfigError that names the first wrong value
 */
export function parseConfig<T>(file: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON5.parse(text);
  } catch (error) {
    throw new ConfigError(file, "", `is not JSON5: ${(error as Error).message}`);
  }
  const { data, error } = folder.run(path.dirname(path.resolve(file)), () => schema.safeParse(value));
  if (error === undefined) return data;
  const [issue] = error.issues;
  const field = issue.path.map(String).join(".");
  throw new ConfigError(file, field, `${issue.message}; got ${shown(valueAt(value, issue.path))}`);
}

function valueAt(value: unknown, at: readonly PropertyKey[]): unknown {
  return at.reduce((each, key) => (each as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

/** The most characters of a wrong value that are repeated. */
const MAX_SHOWN = 80;

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, MAX_SHOWN);
}
