import { isAddress } from "ethers";
import { z } from "zod";

import { pathConfig } from "../runtime/index.js";

const address = z.string().refine((text) => isAddress(text), "must be an address");

const amount = z.string().regex(/^\d{1,20}(\.\d{1,24})?$/, "must be a decimal number as a text, such as '2.5'");

/** What a node offers in one asset. */
const offer = z.strictObject({
  asset: address,
  /** In whole units of the asset; 0 withdraws the offer. */
  price: amount,
  per: z.enum(["TU", "GPU hour"]).default("TU"),
  /** TU on offer. */
  capacity: amount,
});

const machine = z
  .strictObject({
    /** Where renters read about the node. It names the node, and may be no other's. */
    uri: z.string().min(1).max(2_048),
    /** The model, or what was measured of it: a benchmark log, a folder of them, a table or a measurement file. */
    gpu: z.string().min(1).optional(),
    log: pathConfig.optional(),
    count: z.int().min(1).max(1_024),
    /** Whose rewards it earns; the inventory's, or else the owner's, if left out. */
    payout: address.optional(),
    /** The inventory's if left out. */
    offers: z.array(offer).optional(),
  })
  .refine(({ gpu, log }) => (gpu === undefined) !== (log === undefined), "must have one of gpu and log");

/** The machines of an owner, with what each offers. */
export const inventoryConfig = z
  .strictObject({
    payout: address.optional(),
    offers: z.array(offer).default([]),
    nodes: z.array(machine).min(1).max(10_000),
  })
  .superRefine(({ nodes }, context) => {
    const seen = new Map<string, number>();
    for (const [i, { uri }] of nodes.entries()) {
      const before = seen.get(uri);
      seen.set(uri, i);
      if (before === undefined) continue;
      context.addIssue({ code: "custom", path: ["nodes", i, "uri"], message: `is that of nodes.${before} too` });
    }
  });

export type Inventory = z.infer<typeof inventoryConfig>;
export type Machine = Inventory["nodes"][number];
export type MachineOffer = z.infer<typeof offer>;
