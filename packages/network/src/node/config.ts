import { z } from "zod";

import { chainConfig } from "../chain/index.js";
import { pathConfig, RUNTIME_CONFIG, serveConfig } from "../runtime/index.js";
import { availabilityConfig } from "./availability.js";

const MIB = 1_048_576;

const absolute = z.string().regex(/^\//, "must be an absolute path");

const file = z.string().regex(/^[A-Za-z0-9._-]+$/, "must be the name of a file");

const OFFER = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be 1 to 32 of a-z, 0-9 and -, and no - first"),
  slots: z.record(z.string(), z.string()).default({}),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  limits: z.strictObject({
    memoryMiB: z.int().min(1),
    cpuSeconds: z.int().min(1),
    processes: z.int().min(1),
    seconds: z.int().min(1),
    /** Of what a run writes; a result is made of it in memory. */
    outputMiB: z.int().min(1).max(1_024),
  }),
  user: z.strictObject({ uid: z.int().min(1), gid: z.int().min(1) }).optional(),
};

/** A program of the owner's that jobs may ask for. */
const processRunner = z.strictObject({
  kind: z.literal("process"),
  ...OFFER,
  command: absolute,
  images: file.optional(),
});

/** tf_cnn_benchmarks, by a command of the owner's. */
const benchmarkRunner = z.strictObject({ kind: z.literal("benchmark"), ...OFFER, command: absolute });

/** Images that jobs may bring or ask for. */
const containerRunner = z.strictObject({
  kind: z.literal("container"),
  ...OFFER,
  engine: z.strictObject({
    command: absolute.regex(/\/(docker|podman)$/, "must be the path of docker or podman"),
    env: z.record(z.string(), z.string()).default({}),
  }),
  image: z.string(),
  registries: z
    .array(z.string().regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*$/, "must be a registry, or a folder in one"))
    .min(1),
  pullSeconds: z.int().min(1).default(1_800),
  cpus: z.number().min(0.01).optional(),
  gpus: z.array(z.string().regex(/^[A-Za-z0-9_.:-]+$/, "must be the name of a GPU, or all")).default([]),
  images: file.optional(),
});

/** The built-in trainer, for joint training. */
const trainingRunner = z.strictObject({
  kind: z.literal("training"),
  name: OFFER.name,
  slots: z.strictObject({}).default({}),
  /** Seconds that a coordinator waits for workers that have not claimed a round; others wait three times as long for it. */
  roundSeconds: z.number().min(0.1).default(60),
});

const runner = z.discriminatedUnion("kind", [processRunner, benchmarkRunner, containerRunner, trainingRunner]);

/** The configuration file of `turingfog node run`. */
export const nodeConfig = z.strictObject({
  ...RUNTIME_CONFIG,
  chain: chainConfig,
  nodeId: z
    .string()
    .regex(/^[1-9]\d{0,77}$/, "must be a node's id, as a text of decimal digits")
    .transform(BigInt),
  /** Folder for the orders' files. */
  folder: pathConfig,
  /** File of SQLite, or the URL of a PostgreSQL database. */
  store: z.union([z.string().regex(/^postgres(ql)?:\/\//), pathConfig]),
  /** Where renters and signers reach the node. */
  listen: serveConfig,
  /** Whether the document's endpoint is at a relay, to which the node then keeps connections. */
  relay: z.boolean().default(false),
  /** The key that signs readings. */
  meter: z.strictObject({ key: pathConfig }),
  /** The identity that jobs are granted to. */
  age: z.strictObject({ key: pathConfig }),
  /** The node's document, as its owner has signed it; served at `/v1/document`. */
  document: pathConfig,
  /** Addresses of signers to begin with; they tell all others. */
  signers: z.array(z.url()).min(1),
  runners: z.array(runner).min(1).max(16),
  /** When jobs may run; always if left out. */
  availability: availabilityConfig.prefault({}),
  /** The owner's command for `turingfog node benchmark`; see docs/operators/node.md for what it may name. */
  benchmark: z
    .strictObject({
      command: absolute,
      args: z.array(z.string()).default([]),
      env: z.record(z.string(), z.string()).default({}),
    })
    .optional(),
  /** Asks other workers also at addresses that are not public, and by http, for test networks. */
  allowPrivate: z.boolean().default(false),
  bundles: z
    .strictObject({
      /** Bytes of a bundle as it is sent. */
      maxBytes: z
        .int()
        .min(1_024)
        .default(256 * MIB),
      /** Bytes of its files together. */
      maxUnpacked: z
        .int()
        .min(1_024)
        .default(1_024 * MIB),
      /** Seconds that a bundle may take to arrive. */
      seconds: z.int().min(1).default(3_600),
      /** Seconds without a byte after which a bundle is given up. */
      idleSeconds: z.int().min(1).default(15),
    })
    .prefault({}),
  /** Seconds between two readings of a run; the formats ask for 60. */
  readingSeconds: z.int().min(60).default(600),
  /** Seconds before an order's end at which its run is ended, so that the last reading is in time. */
  finishSeconds: z.int().min(60).default(120),
  /** Seconds between two heartbeats to each signer. */
  heartbeatSeconds: z.number().min(0.1).default(60),
  challenges: z
    .strictObject({
      /** Multiplications a second of a node of 1 TU a day, and seconds of work: a larger challenge is refused. */
      perTU: z.int().min(1).default(10_000_000),
      work: z.int().min(1).default(4),
      /** The most seconds that a challenge is computed, while runs stand still. */
      seconds: z.int().min(1).default(60),
    })
    .prefault({}),
  /** Seconds between two looks at what is to be done. */
  tickSeconds: z.number().min(0.05).max(60).default(1),
});

export type NodeConfig = z.infer<typeof nodeConfig>;
