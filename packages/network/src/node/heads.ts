import type { TypedDataDomain } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { READING, type Reading, type Signed } from "@turingfog/sdk/wire";
import type { NodeStore } from "./nodeStore.js";
import type { Peer } from "./peers.js";

/** Thrown when this node's meter has signed two readings of one sequence, which no signer lets pass. */
export class ContradictionError extends TuringFogError {
  constructor({ orderId, sequence }: Reading, signer: string) {
    super(
      `Signer ${signer} has another reading ${sequence} of order ${orderId} than this node, both by its meter key: the key is ` +
        "used elsewhere, or the store is an old copy. Stop the other agent, and ask the signers to clear the node",
    );
  }
}

/**
 * Takes over a signer's last readings of this node, so that it goes on behind them, though its own store is an older one.
 * @param domain that of readings
 * @param meter address of the meter key; what it has not signed is passed over
 * @throws ContradictionError
 */
export async function adoptHeads(
  store: NodeStore,
  { signer }: Peer,
  heads: readonly Signed<Reading>[],
  { domain, meter }: { domain: TypedDataDomain; meter: string },
): Promise<void> {
  for (const reading of heads) {
    if (READING.signerOf(domain, reading) !== meter.toLowerCase()) continue;
    const { orderId, sequence } = reading;
    const digest = READING.digest(domain, reading);
    const own = await store.reading(orderId, sequence);
    if (own !== undefined && own.digest !== digest) throw new ContradictionError(reading, signer);
    const last = await store.lastReading(orderId);
    if (last === undefined || last.reading.sequence < sequence) await store.addReading({ reading, digest, line: "" });
    await store.setDelivered(signer, orderId, sequence);
  }
}
