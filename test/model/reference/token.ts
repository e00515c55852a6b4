import { MaxUint256, ZeroAddress } from "ethers";

import { known, refuseIf, sum, type Address, type ContractName, type Token, type World } from "./world";

/** Plain ERC-20s as EIP-20, EIP-2612 and ERC-6093 describe them, by the address of the token. */

export function tokenAt(world: World, token: Address): Token {
  return known(world.state.tokens, token);
}

export function balanceOf(world: World, token: Address, account: Address): bigint {
  return tokenAt(world, token).balances.get(account) ?? 0n;
}

export function allowance(world: World, token: Address, owner: Address, spender: Address): bigint {
  return tokenAt(world, token).allowances.get(owner)?.get(spender) ?? 0n;
}

/** All that anyone holds. */
export function totalSupply(world: World, token: Address): bigint {
  return sum(tokenAt(world, token).balances.values());
}

export function transfer(world: World, token: Address, from: Address, to: Address, amount: bigint): void {
  const name = nameOf(world, token);
  refuseIf(to === ZeroAddress, name, "ERC20InvalidReceiver", ZeroAddress);
  const balance = balanceOf(world, token, from);
  refuseIf(balance < amount, name, "ERC20InsufficientBalance", from, balance, amount);
  const { balances } = tokenAt(world, token);
  balances.set(from, balance - amount);
  balances.set(to, balanceOf(world, token, to) + amount);
}

/** Spends an allowance, unless that is without limit, and transfers. */
export function transferFrom(
  world: World,
  token: Address,
  spender: Address,
  from: Address,
  to: Address,
  amount: bigint,
): void {
  const allowed = allowance(world, token, from, spender);
  if (allowed !== MaxUint256) {
    refuseIf(allowed < amount, nameOf(world, token), "ERC20InsufficientAllowance", spender, allowed, amount);
    approve(world, token, from, spender, allowed - amount);
  }
  transfer(world, token, from, to, amount);
}

export function approve(world: World, token: Address, owner: Address, spender: Address, amount: bigint): void {
  const { allowances } = tokenAt(world, token);
  allowances.set(owner, new Map([...(allowances.get(owner) ?? []), [spender, amount]]));
}

/** Uses a permit that its owner has signed for these figures. */
export function permit(world: World, token: Address, owner: Address, spender: Address, amount: bigint): void {
  const { nonces } = tokenAt(world, token);
  nonces.set(owner, (nonces.get(owner) ?? 0n) + 1n);
  approve(world, token, owner, spender, amount);
}

/** Takes tokens out of being. */
export function burn(world: World, token: Address, from: Address, amount: bigint): void {
  tokenAt(world, token).balances.set(from, balanceOf(world, token, from) - amount);
}

function nameOf(world: World, token: Address): ContractName {
  const names = ["tft", "usd", "dai", "aux", "wide"] as const;
  const name = names.find((each) => world.setting.addresses[each] === token);
  if (name === undefined) throw new Error(`${token} is no token of the model`);
  return name;
}
