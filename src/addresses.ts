import { readdir } from "node:fs/promises";
import path from "node:path";

import type { SystemAddresses } from "./client";
import { readJson } from "./deployment/files";
import { TuringFogError } from "./errors";

/** Where the address books are: one file for each network that the system was deployed to. */
export const DEPLOYMENTS = path.join(__dirname, "../deployments");

/** What a client needs of an address book. */
export interface Deployment {
  chainId: number;
  addresses: SystemAddresses;
}

/** A network that there is no address book of. */
export class NotDeployedError extends TuringFogError {
  constructor(
    readonly network: string,
    readonly file: string,
    readonly known: readonly string[],
  ) {
    super(
      `Nothing is known of a deployment to ${network}: there is no ${file}; deploy with npm run deploy, ` +
        `or use what is known: ${known.join(", ") || "no network"}`,
    );
  }
}

/** A node on another chain than the address book tells of. */
export class OtherChainError extends TuringFogError {
  constructor(
    readonly chainId: bigint,
    readonly expected: number,
  ) {
    super(
      `The node is on chain ${chainId}, the deployment on ${expected}: ` +
        "check the network, where its address book is and the RPC URL",
    );
  }
}

/**
 * The address book of a network.
 * @param directory where the address books are
 * @throws NotDeployedError
 */
export async function readDeployment<Book extends Pick<Deployment, "chainId"> = Deployment>(
  network: string,
  directory = DEPLOYMENTS,
): Promise<Book> {
  const file = path.join(directory, `${network}.json`);
  const book = (await readJson(file)) as Book | undefined;
  if (book !== undefined) return book;

  const files = await readdir(directory).catch(() => []);
  const known = files.filter((each) => each.endsWith(".json")).map((each) => path.parse(each).name);
  throw new NotDeployedError(network, file, known.sort());
}

/** @throws OtherChainError unless a node's chain is that of an address book. */
export function checkChain(chainId: bigint, book: Pick<Deployment, "chainId">): void {
  if (chainId !== BigInt(book.chainId)) throw new OtherChainError(chainId, book.chainId);
}
