import { formatInstant, TuringFogError } from "@turingfog/sdk";
import type { SystemContracts } from "@turingfog/sdk/ethers";

/** Thrown when no order can be opened, because the guardian has frozen the network. */
export class FrozenError extends TuringFogError {
  constructor(readonly until: bigint) {
    super(`${frozenText(until)}. Nothing was written or sent: run the same command again then`);
  }
}

/** Returns until when the network is frozen, in unix seconds; undefined if it is not at a time. */
export async function frozenUntil(
  { oracle }: Pick<SystemContracts, "oracle">,
  now: bigint,
  blockTag?: number,
): Promise<bigint | undefined> {
  const until = await oracle.frozenUntil({ blockTag });
  return now < until ? until : undefined;
}

export function frozenText(until: bigint): string {
  return `The network is frozen until ${formatInstant(until)}, if its guardian does not thaw it before: no order can be opened`;
}
