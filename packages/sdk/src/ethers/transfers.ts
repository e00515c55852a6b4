import { Contract, type ContractRunner } from "ethers";

import { TuringFogError } from "../errors.js";
import { ask, decodeRevert, describeRefusal, isRefusal, RevertError } from "./revert.js";

/** An account with its part in a transfer, such as "the payer". */
export interface Party {
  name: string;
  address: string;
}

/** A transfer that a contract of the protocol has a token make. */
export interface TokenTransfer {
  asset: string;
  from: Party;
  to: Party;
  /** Moves the amount by an allowance of `from`; if left out, `from` moves it. */
  spender?: Party;
  /** The most that is moved, in base units. */
  amount: bigint;
}

/** Thrown when an asset's issuer has blocked an account that a deposit must pass. */
export class BlockedAccountError extends TuringFogError {
  constructor(
    readonly asset: string,
    readonly account: string,
    party: string,
    /** The token's function that tells so. */
    readonly list: string,
  ) {
    super(
      `${asset} blocks ${party} ${account}: ${list}(${account}) is true. ` +
        "Nothing was sent, since a deposit could be stuck: use another asset, or ask the issuer",
    );
  }
}

/** Thrown when a token refuses a transfer without words, or in words of its own. */
export class TransferRefusedError extends TuringFogError {
  constructor(
    readonly transfer: TokenTransfer,
    /** Findings that stand against the transfer; empty if there is none. */
    readonly reasons: readonly string[],
    cause: unknown,
  ) {
    const { asset, from, to, amount } = transfer;
    const found =
      reasons.length === 0 ? "balance, allowance and the lists that are known would allow it" : reasons.join("; ");
    super(
      `${asset} refuses to move up to ${amount} from ${from.name} ${from.address} to ${to.name} ${to.address} ` +
        `(${describeRefusal(cause)}): ${found}`,
      { cause },
    );
  }
}

/** Functions by which tokens tell that their issuer has blocked an account: USDC, USDT, Paxos's, and bridged USDT. */
const LISTS = ["isBlacklisted", "isBlackListed", "isFrozen", "isBlocked"] as const;

const ABI = [
  "function balanceOf(address) view returns (uint256)",
  "function allowance(address, address) view returns (uint256)",
  "function paused() view returns (bool)",
  ...LISTS.map((list) => `function ${list}(address) view returns (bool)`),
];

/** An account that a token blocks. */
interface Blocked extends Party {
  list: string;
}

/**
 * Checks that a token's issuer has blocked none of the accounts. Tokens without a list that is known block nobody.
 * @throws BlockedAccountError
 */
export async function checkNotBlocked(
  runner: ContractRunner,
  asset: string,
  parties: readonly [Party, ...Party[]],
): Promise<void> {
  const [first] = await blocked(new Contract(asset, ABI, runner), parties);
  if (first !== undefined) throw new BlockedAccountError(asset, first.address, first.name, first.list);
}

/**
 * Awaits a call or a transaction that makes a token move something. If it is refused without words, or in words that the
 * protocol's contracts do not have, looks for the reason: balance, allowance, a pause and the issuer's lists.
 * @throws RevertError if a contract refuses in its own words
 * @throws TransferRefusedError with what was found
 */
export async function withTransferExplained<T>(
  result: Promise<T>,
  runner: ContractRunner,
  transfer: () => TokenTransfer | Promise<TokenTransfer>,
): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const declared = error instanceof RevertError ? error : decodeRevert(error);
    // SafeERC20 has no other word for a token that answers with false
    if (declared !== null && declared.error !== "SafeERC20FailedOperation") throw declared;
    if (declared === null && !isRefusal(error)) throw error;
    const refused = await transfer();
    throw new TransferRefusedError(refused, await reasonsAgainst(runner, refused), error);
  }
}

async function reasonsAgainst(
  runner: ContractRunner,
  { asset, from, to, spender, amount }: TokenTransfer,
): Promise<string[]> {
  const token = new Contract(asset, ABI, runner);
  const [balance, allowance, paused, onLists] = await Promise.all([
    ask<bigint>(token, "balanceOf", from.address),
    spender && ask<bigint>(token, "allowance", from.address, spender.address),
    ask<boolean>(token, "paused"),
    blocked(token, spender === undefined ? [from, to] : [from, to, spender]),
  ]);
  const reasons = onLists.map(
    ({ name, address, list }) => `its issuer has blocked ${name} (${list}(${address}) is true)`,
  );
  if (paused === true) reasons.push("it is paused");
  if (balance !== undefined && balance < amount) reasons.push(`${from.name} holds ${balance} of it`);
  if (spender && allowance !== undefined && allowance < amount) {
    reasons.push(`${from.name} allows ${spender.name} ${allowance}: approve ${spender.address} for the amount`);
  }
  return reasons;
}

/** Returns the accounts that a token blocks, each once. Asks for all of them only by a list that the token has. */
async function blocked(token: Contract, parties: readonly [Party, ...Party[]]): Promise<Blocked[]> {
  const [first, ...others] = parties;
  const lists = await Promise.all(
    LISTS.map(async (list) => ({ list, isFirst: await ask<boolean>(token, list, first.address) })),
  );
  const found = new Map<string, Blocked>();
  for (const { list, isFirst } of lists) {
    if (isFirst === undefined) continue;
    const are = await Promise.all(others.map(({ address }) => ask<boolean>(token, list, address)));
    const listed = parties.filter((_, i) => (i === 0 ? isFirst : are[i - 1]) === true);
    for (const party of listed) if (!found.has(party.address)) found.set(party.address, { ...party, list });
  }
  return [...found.values()];
}
