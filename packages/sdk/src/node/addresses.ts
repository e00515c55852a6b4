import { readdir } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "../errors.js";
import type { Addresses } from "../ethers/client.js";
import { readJson } from "./files.js";

/** Thrown when a chain has no address book. */
export class NotDeployedError extends TuringFogError {
  constructor(
    readonly chain: string,
    readonly file: string,
    readonly known: readonly string[],
  ) {
    super(`No deployment to ${chain} is known: there is no ${file}; known are ${known.join(", ") || "none"}`);
  }
}

/**
 * Reads the address book of a chain.
 * @param chain name of the chain, as in CHAINS
 * @param directory folder with one address book, CHAIN.json, for each chain that was deployed to
 * @throws NotDeployedError
 */
export async function readAddresses<Book extends Pick<Addresses, "chainId"> = Addresses>(
  chain: string,
  directory: string,
): Promise<Book> {
  const file = path.join(directory, `${chain}.json`);
  const book = (await readJson(file)) as Book | undefined;
  if (book !== undefined) return book;

  const files = await readdir(directory).catch(() => []);
  const known = files.filter((each) => each.endsWith(".json")).map((each) => path.parse(each).name);
  throw new NotDeployedError(chain, file, known.sort());
}
