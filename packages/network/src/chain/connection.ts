import { z } from "zod";

import { connect, type RpcProvider } from "@turingfog/operator";
import { CHAINS } from "@turingfog/sdk";
import type { Addresses } from "@turingfog/sdk/ethers";
import { readAddresses } from "@turingfog/sdk/node";
import { pathConfig } from "../runtime/index.js";

/** A chain, whose RPC URL is in the environment, as for every command. */
export const chainConfig = z.strictObject({
  /** Name of the chain, as in CHAINS. */
  network: z.string().refine((name) => name in CHAINS, `must be one of ${Object.keys(CHAINS).join(", ")}`),
  /** Folder of address books. */
  deployments: pathConfig,
  /** Seconds after which a block counts as final, for a node that does not know which are. */
  confirmationSeconds: z.int().min(0).optional(),
  /** Seconds between two looks at the chain. */
  poll: z.number().min(0.05).max(600).default(12),
});

export type ChainConfig = z.infer<typeof chainConfig>;

/** Returns what connects to a chain, and reads its address book. */
export async function chainOf({ network, deployments }: ChainConfig): Promise<{
  book: Addresses;
  connect: () => Promise<RpcProvider>;
}> {
  const book = await readAddresses(network, deployments);
  return { book, connect: async () => (await connect(network)).provider };
}
