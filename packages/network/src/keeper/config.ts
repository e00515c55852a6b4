import { isAddress, parseUnits } from "ethers";
import { z } from "zod";

import { chainConfig } from "../chain/index.js";
import { pathConfig, RUNTIME_CONFIG } from "../runtime/index.js";

const DECIMALS = 18;

const address = z.string().refine((value) => isAddress(value), "must be an address, 0x and 40 hex digits");
const url = z.url({ protocol: /^https?$/, error: "expected http:// or https:// and a host" });

/** A decimal number of something with 18 decimals, such as "0.05". */
const amount = z
  .string()
  .regex(/^\d+(\.\d{1,18})?$/, 'must be a decimal number in quotes, such as "0.05"')
  .transform((value) => parseUnits(value, DECIMALS));

/** A Uniswap pool in which a filler sells what it buys. */
const filler = z.strictObject({
  /** Of the asset whose lots it buys. */
  asset: address,
  /** Of a UniswapV3BuybackFiller, or of a UniswapV4BuybackFiller if the pool has a tick spacing. */
  filler: address,
  pool: z.strictObject({
    /** Hundredths of a basis point, or 0x800000 if hooks set it. */
    fee: z.int().min(0).max(0xff_ff_ff),
    tickSpacing: z.int().min(1).max(32_767).optional(),
    hooks: address.default("0x0000000000000000000000000000000000000000"),
  }),
  /** Base units of the asset that a fill must leave to the keeper: above what its gas costs. */
  leastProfit: z
    .string()
    .regex(/^[1-9]\d*$/, "must be a whole number of base units in quotes, above 0")
    .transform(BigInt),
});

/** The configuration file of `turingfog keeper run`. */
export const keeperConfig = z.strictObject({
  ...RUNTIME_CONFIG,
  chain: chainConfig,
  /** A file of SQLite, or the URL of a PostgreSQL database: what was sent, and which roots are settled. */
  store: z.union([z.string().regex(/^postgres(ql)?:\/\//), pathConfig]),
  /** File of the key that pays for gas. Two processes must not send from one key. */
  key: pathConfig,
  /** Endpoints of signers, which have the receipt files. */
  signers: z.array(url).min(1).max(64),
  /** Seconds between two looks at what is due. */
  tick: z.number().min(0.05).max(3_600).default(15),
  /** Seconds that it leaves each act to others first, so that keepers with different ones do not pay for the same act twice. */
  delay: z.int().min(0).max(86_400).default(0),
  /** The most that is paid for gas, in gwei. */
  maxFeeGwei: z.number().positive().optional(),
  /** The most that gas may cost in 24 hours, in the chain's coin. */
  dailyBudget: amount,
  /** Whether it brings receipts into the escrow, burns bought TFT, writes lots off and closes orders. */
  settle: z.boolean().default(true),
  burn: z.boolean().default(true),
  writeOff: z.boolean().default(true),
  close: z.boolean().default(true),
  /** Pays the operations' treasury from so much TFT on; not at all if left out. */
  operations: z.strictObject({ least: amount }).optional(),
  /** Buys lots by fillers where the market pays for it. */
  fillers: z.array(filler).max(64).default([]),
  /** Miners for whom it claims, and from how much TFT on. */
  claims: z
    .array(z.strictObject({ miner: address, least: amount }))
    .max(1_000)
    .default([]),
});

export type KeeperConfig = z.infer<typeof keeperConfig>;
export type FillerConfig = KeeperConfig["fillers"][number];
