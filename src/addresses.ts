import { readdir } from "node:fs/promises";
import path from "node:path";

import type { SystemAddresses } from "./client";
import { readJson } from "./deployment/files";
import { TuringFogError } from "./errors";

/** Where the address books are: one file for each network that the system was deployed to. */
export const ADDRESS_BOOKS = path.join(__dirname, "../deployments");

/** What a client needs of an address book. */
export interface Deployment {
  chainId: number;
  addresses: SystemAddresses;
}

/** A network that there is no address book of. */
export class NotDeployedError extends TuringFogError {
  constructor(
    readonly network: string,
    readonly known: readonly string[],
  ) {
    super(`There is no address book of ${network}; there is one of ${known.join(", ") || "no network"}`);
  }
}

/** A runner on another chain than the one whose addresses were asked for. */
export class WrongChainError extends TuringFogError {
  constructor(
    readonly network: string,
    readonly chainId: number,
    readonly found: bigint,
  ) {
    super(`${network} is chain ${chainId}, but the runner is connected to chain ${found}`);
  }
}

/**
 * Where the system stands on a network, by its address book.
 * @throws NotDeployedError
 */
export async function readDeployment(network: string, directory = ADDRESS_BOOKS): Promise<Deployment> {
  const book = (await readJson(path.join(directory, `${network}.json`))) as Deployment | undefined;
  if (book !== undefined) return book;

  const files = await readdir(directory).catch(() => []);
  const known = files.filter((file) => file.endsWith(".json")).map((file) => path.parse(file).name);
  throw new NotDeployedError(network, known.sort());
}
