import { Gauge, type Registry } from "prom-client";

import type { ChainFacts } from "../chain/index.js";
import { freeShare } from "../runtime/index.js";

/** Adds the gauges of a signer's surroundings, and returns what sets them. */
export function measuring(
  metrics: Registry,
  folder: string,
  chain: Pick<ChainFacts, "blockTime">,
): () => Promise<void> {
  const disk = new Gauge({
    name: "turingfog_signer_disk_free_ratio",
    help: "Share of the disk that is free",
    registers: [metrics],
  });
  const block = new Gauge({
    name: "turingfog_chain_block_seconds",
    help: "Time of the last final block",
    registers: [metrics],
  });
  return async () => {
    disk.set(await freeShare(folder));
    block.set(Number(chain.blockTime()));
  };
}
