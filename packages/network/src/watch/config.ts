import { z } from "zod";

import { chainConfig } from "../chain/index.js";
import { pathConfig, RUNTIME_CONFIG } from "../runtime/index.js";

const url = z.url({ protocol: /^https?$/, error: "expected http:// or https:// and a host" });

/** The guardian that vetoes: a key, which sends, or a Safe, for whose owners transactions are written. */
const guardian = z.union(
  [
    z.strictObject({
      /** File of the guardian's key. */
      key: pathConfig,
      /** File of what was sent, so that a watch that was killed sends no second transaction beside the first. */
      journal: pathConfig.prefault("vetoes.json"),
      /** The most that is paid for gas, in gwei. */
      maxFeeGwei: z.number().positive().optional(),
    }),
    z.strictObject({
      /** Folder for a batch of each veto, which Safe's Transaction Builder loads. */
      safe: pathConfig,
    }),
  ],
  { error: "must be { key: FILE } or { safe: FOLDER }" },
);

/** The configuration file of `turingfog watch run`. */
export const watchConfig = z.strictObject({
  ...RUNTIME_CONFIG,
  chain: chainConfig,
  /** A file of SQLite, or the URL of a PostgreSQL database: what was checked, and which alarms were sent. */
  store: z.union([z.string().regex(/^postgres(ql)?:\/\//), pathConfig]),
  /** Endpoints of signers, which have the receipt files. They tell where the other ones are. */
  signers: z.array(url).min(1).max(64),
  /** Each alarm is posted to each of these. */
  webhooks: z.array(url).max(16).default([]),
  /** Seconds for which nothing can be checked until that is an alarm. */
  silence: z.int().min(0).max(86_400).default(600),
  /** A node so many times as fast as its own mean is an alarm. */
  spike: z.number().min(1.1).max(1_000).default(3),
  /** Who vetoes if the watch is started with --veto. */
  guardian: guardian.optional(),
});

export type WatchConfig = z.infer<typeof watchConfig>;
export type GuardianConfig = NonNullable<WatchConfig["guardian"]>;
