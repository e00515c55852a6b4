import { getAddress, toBeHex } from "ethers";

/** In what a parameter file leaves to the deployer. */
const BLANK = /"FILL IN: ([^"]*)"/g;

/** A parameter file's text with an account of its own in each blank that wants an address, a time, and 20 TFT a unit. */
export function fillIn(text: string): string {
  let accounts = 0;
  return text.replace(BLANK, (_, what: string) => {
    if (what.startsWith("address")) return `"${getAddress(toBeHex(2n ** 159n + BigInt(++accounts), 20))}"`;
    return what.startsWith("time") ? '"2027-01-01T00:00:00Z"' : '"20"';
  });
}
