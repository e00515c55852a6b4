import { z } from "zod";

import { chainConfig } from "../chain/index.js";
import { pathConfig, RUNTIME_CONFIG, serveConfig } from "../runtime/index.js";

const MIB = 1_048_576;

/** Parts of a node's bytes of the day, of which an address may use one. */
export const SHARES = 8;

/** The configuration file of `turingfog relay run`. */
export const relayConfig = z.strictObject({
  ...RUNTIME_CONFIG,
  chain: chainConfig,
  /** A file of SQLite, or the URL of a PostgreSQL database: nodes' documents, and nonces that were used. */
  store: z.union([z.string().regex(/^postgres(ql)?:\/\//), pathConfig]),
  listen: serveConfig,
  /** The base of this relay's address, as others reach it. */
  endpoint: z.url({ protocol: /^https?$/, error: "expected http:// or https:// and a host" }),
  limits: z
    .strictObject({
      /** Nodes that are connected at a time. */
      nodes: z.int().min(1).max(10_000).default(256),
      /** Connections of one node: the most requests to it at a time. */
      connections: z.int().min(1).max(1_024).default(32),
      /** Requests of one address to one node at a time. */
      requests: z.int().min(1).max(1_024).default(8),
      /** Bytes of a request's body, and of an answer's. */
      maxBytes: z
        .int()
        .min(1_024)
        .default(1_024 * MIB),
      /** Bytes to and from one node in 24 hours. An address may use an eighth of them, in which a body must fit. */
      dailyBytes: z
        .int()
        .min(1_024)
        .default(16_384 * MIB),
      /** Seconds that a request may take, and those in which nothing may come of it. */
      seconds: z.int().min(1).max(86_400).default(3_600),
      idleSeconds: z.int().min(1).max(3_600).default(30),
    })
    .refine(({ maxBytes, dailyBytes }) => SHARES * maxBytes <= dailyBytes, {
      path: ["dailyBytes"],
      error: `expected at least ${SHARES} times maxBytes`,
    })
    .prefault({}),
});

export type RelayConfig = z.infer<typeof relayConfig>;
export type RelayLimits = RelayConfig["limits"];
