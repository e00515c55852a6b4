import { dataLength, dataSlice, getAddress, type Provider } from "ethers";

/** Kind of account at an address, as far as its code tells. */
export type AccountKind =
  /** An account with a key, or a contract that is yet to be created: it has no code. */
  | { kind: "plain" }
  /** An account with a key, which has delegated to the code of another (EIP-7702) and can take that back. */
  | { kind: "delegated"; to: string }
  /** A contract; `size` is the length of its code in bytes. */
  | { kind: "contract"; size: number };

/** Begins the code of an account with an EIP-7702 delegation. EIP-3541 allows no contract to begin with its first byte. */
const DELEGATION_PREFIX = "0xef0100";
const DELEGATION_LENGTH = 23;

/** Tells the kind of the account that has a code. */
export function accountKindOf(code: string): AccountKind {
  const size = dataLength(code);
  if (size === 0) return { kind: "plain" };
  if (size === DELEGATION_LENGTH && dataSlice(code, 0, 3) === DELEGATION_PREFIX) {
    return { kind: "delegated", to: getAddress(dataSlice(code, 3)) };
  }
  return { kind: "contract", size };
}

/** Reads the kind of an account from the chain. */
export async function readAccountKind(provider: Provider, address: string): Promise<AccountKind> {
  return accountKindOf(await provider.getCode(address));
}

/** Describes the kind of an account, for people. Only what is a contract can be a multisig. */
export function describeAccountKind(account: AccountKind): string {
  switch (account.kind) {
    case "plain":
      return "plain account without code";
    case "delegated":
      return `account delegated to ${account.to}`;
    case "contract":
      return `contract of ${account.size} bytes`;
  }
}
