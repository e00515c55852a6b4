import { isAddress, parseUnits } from "ethers";
import { z } from "zod";

import { chainConfig } from "../chain/index.js";
import { POLICIES } from "../order/index.js";
import { pathConfig, RUNTIME_CONFIG, serveConfig } from "../runtime/index.js";
import { currencyOf, readMoney } from "./money.js";

const url = z.url({ protocol: /^https?$/, error: "expected http:// or https:// and a host" });
const COINS = /^\d+(\.\d{1,18})?$/;
const decimal = z.string().regex(COINS, 'must be a decimal number in quotes, such as "0.05"');
const positive = decimal.refine((value) => /[1-9]/.test(value), "must be above 0");

/** Terms in one currency: amounts are in whole units of it. */
const terms = z.strictObject({
  /** Units of the currency for a whole unit of the asset. */
  rate: z.string().regex(/^\d{1,9}(\.\d{1,12})?$/, "must be a decimal number of at most 12 decimals in quotes"),
  /** Percent on top of the deposit at that rate. */
  marginPercent: z.number().min(0).max(100).multipleOf(0.01),
  /** Kept of a rest that is refunded; nothing is kept when no order was opened. */
  refundFee: z.string(),
  /** The least and the most of one payment. */
  least: z.string(),
  most: z.string(),
});

const currencies = z.record(z.string(), terms).superRefine((all, context) => {
  if (Object.keys(all).length === 0) context.addIssue("must name a currency, such as eur");
  for (const [code, own] of Object.entries(all)) {
    const fail = (path: string[], message: string) =>
      context.addIssue({ code: "custom", path: [code, ...path], message });
    try {
      const currency = currencyOf(code);
      const amounts = (["refundFee", "least", "most"] as const).map((field) => {
        const amount = readMoney(own[field], currency);
        const form = `must be an amount of ${code} in quotes, with ${currency.decimals} decimals at most`;
        const ending = currency.step === 1n ? "" : `, a multiple of ${currency.step} minor units`;
        if (amount === undefined) fail([field], form + ending);
        return amount ?? 0n;
      });
      if (amounts[2] > MOST_MINOR) fail(["most"], `must be at most ${MOST_MINOR} minor units, as Stripe has it`);
      if (amounts[1] > amounts[2]) fail(["least"], "must not be above most");
    } catch (error) {
      fail([], (error as Error).message);
    }
    if (!/[1-9]/.test(own.rate)) fail(["rate"], "must be above 0");
  }
});

/** The most minor units of a payment: Stripe takes eight digits. */
const MOST_MINOR = 99_999_999n;

const fields = z.strictObject({
  ...RUNTIME_CONFIG,
  chain: chainConfig,
  /** A file of SQLite, or the URL of a PostgreSQL database: sessions, events and what was sent. */
  store: z.union([z.string().regex(/^postgres(ql)?:\/\//), pathConfig]),
  /** Folder of customers' jobs and results. */
  jobs: pathConfig,
  /** Days for which they are kept after the end of a session. */
  keepDays: z.int().min(1).max(3_650).default(14),
  /** Where customers and Stripe reach it, behind a proxy with a certificate, and the address of that. */
  listen: serveConfig,
  endpoint: url.refine((value) => !value.endsWith("/"), "must not end with /"),
  /** File of the key that pays, holds the orders and is refunded. Nothing else may send from it. */
  payer: pathConfig,
  /** What orders are paid in. */
  asset: z.string().refine((value) => isAddress(value), "must be an address, 0x and 40 hex digits"),
  /** How the escrow gets it: by a signed permit, or for an asset without permits by an approval before. */
  allowance: z.enum(["permit", "approve"]).default("permit"),
  /** Base units of the asset for a whole TU of a joint order; none are sold if left out. */
  jointUnitPrice: z
    .string()
    .regex(/^[1-9]\d{0,37}$/, "must be a whole number of base units in quotes, above 0")
    .transform(BigInt)
    .optional(),
  /** Endpoints of signers, which audit jobs of the built-in trainer and keep results. */
  signers: z.array(url).max(64).default([]),
  stripe: z.strictObject({
    /** Files of the secret key and of the webhook's secret, unless both are in the environment. */
    key: pathConfig.optional(),
    webhookSecret: pathConfig.optional(),
    /** Seconds that a webhook may be old. */
    tolerance: z.int().min(10).max(600).default(300),
    /** Seconds between two looks at a session, in case its event is lost. */
    poll: z.number().min(0.05).max(3_600).default(60),
    threeDSecure: z.enum(["automatic", "any", "challenge"]).default("any"),
    /** Where Stripe is, for tests. */
    api: url.optional(),
  }),
  currencies,
  /** Seconds for which a quote can be accepted, and then for which it can be paid: Stripe wants at least 30 minutes. */
  quoteSeconds: z.int().min(60).max(86_400).default(900),
  checkoutSeconds: z.int().min(1_860).max(86_400).default(1_860),
  /** The longest order, in hours. */
  mostHours: z.int().min(1).max(8_784).default(720),
  /** Seconds from a payment to its order, for a look at what may be fraud; and after which it is refunded instead. */
  openDelay: z.int().min(0).max(86_400).default(0),
  openWithin: z.int().min(60).max(604_800).default(21_600),
  /** The most whole units of the asset that are put into orders in 24 hours. */
  dailySpending: positive,
  /** The most that gas may cost in 24 hours, in the chain's coin, and per unit of gas, in gwei. */
  dailyGas: decimal.transform((value) => parseUnits(value, 18)),
  maxFeeGwei: z.number().positive().optional(),
  /** What is acknowledged to nodes: all that was seen, what was seen often enough, or nothing. */
  acknowledge: z.enum(POLICIES).default("sampled"),
  /** The most MiB of a job's files, and of a result. */
  jobMiB: z.int().min(1).max(10_240).default(64),
  resultMiB: z.int().min(1).max(102_400).default(2_048),
  /** The most MiB of the jobs of all sessions that were not paid, together. */
  unpaidMiB: z.int().min(1).max(1_048_576).default(4_096),
  /** Seconds between two looks at what is to be done. */
  tick: z.number().min(0.05).max(3_600).default(5),
  /** Lets nodes be on addresses that are not public, for test networks. */
  allowPrivate: z.boolean().default(false),
});

/** The configuration file of `turingfog gateway run`. */
export const gatewayConfig = fields.refine(({ openDelay, openWithin }) => openDelay < openWithin, {
  path: ["openDelay"],
  error: "must be below openWithin, after which a payment is refunded instead",
});

export type GatewayConfig = z.infer<typeof gatewayConfig>;
