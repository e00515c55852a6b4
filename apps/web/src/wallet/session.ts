import { useSyncExternalStore } from "react";

import { TuringFogError } from "@turingfog/sdk";
import type { SafeFrame } from "./safe";

/** A wallet's provider, by EIP-1193. */
export interface WalletProvider {
  request(call: { method: string; params?: unknown[] | Record<string, unknown> }): Promise<unknown>;
  on?(event: string, listener: (value: never) => void): void;
}

/** A wallet that has announced itself, by EIP-6963, or a Safe around the page. */
export interface Wallet {
  info: { uuid: string; name: string; icon: string; rdns: string };
  provider: WalletProvider;
  /** The Safe, if it is one: what it is given is proposed to its owners. */
  safe?: SafeFrame;
}

/** A wallet that was asked for its account, and has given it. */
export interface Session {
  wallet: Wallet;
  /** In lower case. */
  account: string;
  chainId: number;
}

interface State {
  wallets: readonly Wallet[];
  session?: Session;
}

let state: State = { wallets: [] };
const listeners = new Set<() => void>();

/** Thrown when a wallet gives no account. */
export class NoAccountError extends TuringFogError {
  constructor(wallet: string) {
    super(`${wallet} has given no account: unlock it, and allow this page to see one`);
  }
}

/** Follows the wallets that are there, and the one that is connected. */
export function useWallets(): State {
  return useSyncExternalStore(subscribe, () => state);
}

/**
 * Asks a wallet for its account.
 * @throws NoAccountError, or what the wallet throws when its owner refuses
 */
export async function connect(wallet: Wallet): Promise<void> {
  const { provider, info } = wallet;
  const accounts = (await provider.request({ method: "eth_requestAccounts" })) as string[];
  const chainId = Number(await provider.request({ method: "eth_chainId" }));
  if (accounts.length === 0) throw new NoAccountError(info.name);
  change({ session: { wallet, account: accounts[0].toLowerCase(), chainId } });
  follow(wallet);
}

/** Forgets the wallet; it keeps what it has allowed. */
export function disconnect(): void {
  change({ session: undefined });
}

const sought = new Set<string>();

/**
 * Looks once for a Safe around this page, and offers it as a wallet.
 * @param origin the origin of the Safe's interface
 */
export function seekSafe(origin: string): void {
  if (window.parent === window || sought.has(origin)) return;
  sought.add(origin);
  import("./safe").then(({ SafeFrame }) => new SafeFrame(origin).wallet()).then(add, console.warn);
}

const followed = new Set<WalletProvider>();

/** Hears of the wallet's other accounts and chains, once for each. */
function follow({ provider }: Wallet): void {
  if (followed.has(provider)) return;
  followed.add(provider);
  provider.on?.("accountsChanged", (accounts: string[]) => {
    if (accounts.length === 0) return disconnect();
    ifConnected(provider, { account: accounts[0].toLowerCase() });
  });
  provider.on?.("chainChanged", (chainId: string) => ifConnected(provider, { chainId: Number(chainId) }));
  provider.on?.("disconnect", disconnect);
}

function ifConnected(provider: WalletProvider, news: Partial<Session>): void {
  if (state.session?.wallet.provider === provider) change({ session: { ...state.session, ...news } });
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    window.addEventListener("eip6963:announceProvider", announced);
    window.dispatchEvent(new Event("eip6963:requestProvider"));
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("eip6963:announceProvider", announced);
  };
}

function announced(event: Event): void {
  add((event as CustomEvent<Wallet>).detail);
}

function add(wallet: Wallet): void {
  if (state.wallets.some(({ info }) => info.uuid === wallet.info.uuid)) return;
  change({ wallets: [...state.wallets, wallet] });
}

function change(news: Partial<State>): void {
  state = { ...state, ...news };
  for (const listener of listeners) listener();
}
