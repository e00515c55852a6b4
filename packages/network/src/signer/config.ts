import { z } from "zod";

import { chainConfig } from "../chain/index.js";
import { pathConfig, RUNTIME_CONFIG, serveConfig } from "../runtime/index.js";

const seconds = z.int().min(1).max(86_400);
const count = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const url = z.url({ protocol: /^https?$/, error: "expected http:// or https:// and a host" });

/** The configuration file of `turingfog signer run`. */
export const signerConfig = z.strictObject({
  ...RUNTIME_CONFIG,
  chain: chainConfig,
  /** A file of SQLite, or the URL of a PostgreSQL database. */
  store: z.union([z.string().regex(/^postgres(ql)?:\/\//), pathConfig]),
  /** Folder of receipt files, results, and the journal of what was sent to the chain. */
  folder: pathConfig,
  listen: serveConfig,
  /** The base of this signer's address, as others reach it. */
  endpoint: url,
  /** Files of keys, each of which its owner alone can read. */
  keys: z.strictObject({ signer: pathConfig, link: pathConfig, gas: pathConfig, draw: pathConfig, age: pathConfig }),
  /** Where other signers are, to begin with. */
  peers: z.array(url).max(64),
  /** Seconds from one batch to the next, and after which the next signer proposes: the same for all signers. */
  interval: seconds.default(3_600),
  delay: seconds.default(300),
  /** Seconds between two looks at what is due. */
  tick: z.number().min(0.05).max(60).default(5),
  challenges: z
    .strictObject({
      /**
       * Multiplications a second that a node must do for each TU a day of its rate. The agent computes products on one thread
       * of the CPU, which does 0.15 to 1.5 billion: the default asks no more of a node of several TU.
       */
      perTU: count.default(10_000_000),
      /** Seconds that a challenge takes at the rated speed, and those that are allowed beside it. */
      work: seconds.default(4),
      grace: seconds.default(10),
      /** Seconds of a slot of time, of which one in so many is a challenge. */
      slot: seconds.default(60),
      oneIn: count.default(16),
      /** Seconds in which a node must ask for a challenge, and show its rows. */
      patience: seconds.default(300),
    })
    .prefault({}),
  /** One round of joint training in so many is audited, beside those that are in any case. */
  auditOneIn: count.default(16),
  /** The most bytes of a training job's bundle; four times as many are unpacked. */
  maxBundleBytes: count.default(268_435_456),
  /** Attests nodes that ask for it and show a consistent log; otherwise the operator attests by hand. */
  attest: z.boolean().default(false),
  /** The most bytes of a result that is kept. */
  maxResultBytes: count.default(67_108_864),
  /** The most that is paid for gas, in gwei. */
  maxFeeGwei: z.number().positive().optional(),
  /** Takes documents of nodes from addresses that are not public, for test networks. */
  allowPrivate: z.boolean().default(false),
});

export type SignerConfig = z.infer<typeof signerConfig>;
