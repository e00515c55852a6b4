import { rename, rm } from "node:fs/promises";
import path from "node:path";

import { unpackBundle } from "../job/index.js";
import type { Rental } from "./rental.js";
import { fetchResult, type ResultSources } from "./signerClient.js";

/**
 * Fetches an order's result, checks that it is the one that the node names and of this order's job, and decrypts it.
 * @param to folder for it, which must not be there yet
 * @param maxBytes of the ciphertext, and of all files together
 * @returns the SHA-256 of the ciphertext
 * @throws HttpError if nobody has it, WrongResultError, UnpostedEvidenceError, OtherResultError and what unpacking throws
 */
export async function takeResult(
  rental: Rental,
  sources: ResultSources,
  to: string,
  maxBytes: number,
): Promise<string> {
  const file = path.join(rental.folder, "result.age");
  const unpacked = `${to}.part`;
  // what a try has left that was ended
  for (const each of [file, unpacked]) await rm(each, { recursive: true, force: true });
  const hash = await fetchResult(sources, file, maxBytes);
  const job = await unpackBundle(file, await rental.resultIdentity(), unpacked, maxBytes);
  await rental.checkResult(job);
  await rename(unpacked, to);
  return hash;
}
