import { getAddress, isAddress } from "ethers";

/**
 * Returns the account that a text names, as the index writes it; undefined if it names none. Addresses without 0x and in the form
 * of ICAP name one too.
 */
export function accountOf(text: string): string | undefined {
  return isAddress(text) ? getAddress(text).toLowerCase() : undefined;
}
