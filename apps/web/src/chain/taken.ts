import { RootStatus, TuringFogError } from "@turingfog/sdk";
import { readEvents, timelockWitness, type LogRange, type SystemContracts } from "@turingfog/sdk/ethers";

/** Thrown when the oracle has never taken a root. */
export class UnknownRootError extends TuringFogError {
  constructor(root: string) {
    super(`The oracle has not taken ${root}: no receipt in a file of this root is paid`);
  }
}

/**
 * Returns the SHA-256 of a root's file that the oracle has taken. It stands in the log of the last submission alone.
 * @throws UnknownRootError
 */
export async function takenHash({ oracle, timelock }: SystemContracts, range: LogRange, root: string): Promise<string> {
  const [status] = await oracle.status(root);
  if (Number(status) === Number(RootStatus.Unknown)) throw new UnknownRootError(root);
  const event = oracle.filters.RootSubmitted;
  const [submitted] = await readEvents(range, await timelockWitness(timelock), {
    contract: oracle,
    event,
    args: [root],
  });
  const last = submitted.at(-1);
  if (last === undefined) throw new UnknownRootError(root);
  return last.args.dataHash;
}
