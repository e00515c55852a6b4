import { lookup as resolveHost } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";

import { TuringFogError } from "@turingfog/sdk";
import type { HttpClient } from "./client.js";

/** The most bytes that are fetched from where a stranger says. */
export const MAX_FETCHED = 65_536;

/** Milliseconds in which all of them must come. */
const TIMEOUT = 10_000;

/** Thrown when what a stranger names is not fetched. */
export class AddressRefusedError extends TuringFogError {
  constructor(reason: string) {
    super(`The address is not fetched: ${reason}`);
  }
}

/** Addresses that are not the public internet's: IANA's special-purpose registries, and multicast. */
const NOT_PUBLIC = new BlockList();
for (const range of [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
]) {
  const [net, prefix] = range.split("/");
  NOT_PUBLIC.addSubnet(net, Number(prefix), "ipv4");
}
/** The one part of IPv6 that is public; what is in it and is not, or leads to addresses of IPv4, is refused too. */
const PUBLIC_IPV6 = new BlockList();
PUBLIC_IPV6.addSubnet("2000::", 3, "ipv6");
for (const range of ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]) {
  const [net, prefix] = range.split("/");
  NOT_PUBLIC.addSubnet(net, Number(prefix), "ipv6");
}

/** Checks whether an address of the internet protocol is one of the public internet. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !NOT_PUBLIC.check(address, "ipv4");
  return family === 6 && PUBLIC_IPV6.check(address, "ipv6") && !NOT_PUBLIC.check(address, "ipv6");
}

export interface StrangerSettings {
  /** Lets http: and addresses that are not public through, for test networks. */
  allowPrivate: boolean;
  client: HttpClient;
  signal?: AbortSignal;
  /** Resolves a host's name to addresses; that of the system if left out. */
  resolve?: (host: string) => Promise<string[]>;
}

/**
 * Fetches what a stranger names: by https: or data: only, from an address that was resolved once and is public, without
 * redirects, at most 64 KiB, within 10 s.
 * @throws AddressRefusedError, HttpError
 */
export async function fetchStranger(
  address: string,
  { allowPrivate, client, signal, resolve }: StrangerSettings,
): Promise<Buffer> {
  if (URL.canParse(address) && new URL(address).protocol === "data:") return contentOf(address);
  const lookup = await lookupOf(address, { allowPrivate, resolve });
  return client.get(address, { maxBytes: MAX_FETCHED, timeout: TIMEOUT, lookup, signal });
}

/**
 * Resolves the host of an address that a stranger names, once: whoever connects by what is returned reaches what was checked.
 * @throws AddressRefusedError
 */
export async function lookupOf(
  address: string,
  { allowPrivate, resolve = resolveAll }: Pick<StrangerSettings, "allowPrivate" | "resolve">,
): Promise<LookupFunction> {
  if (!URL.canParse(address)) throw new AddressRefusedError("it is no URL");
  const url = new URL(address);
  if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:")) {
    throw new AddressRefusedError(`it begins with ${url.protocol}, must begin with https: or data:`);
  }
  if (url.username !== "" || url.password !== "") throw new AddressRefusedError("it has a user's name or password");

  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const addresses = isIP(host) === 0 ? await resolve(host) : [host];
  if (addresses.length === 0) throw new AddressRefusedError("its host has no address");
  const refused = allowPrivate ? undefined : addresses.find((each) => !isPublic(each));
  if (refused !== undefined) throw new AddressRefusedError("its host is not on the public internet");
  return fixed(addresses);
}

/** Returns a lookup that gives addresses that were checked, so that a name cannot mean another address by then. */
function fixed(addresses: string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_, options, callback) => {
    if (options.all === true) callback(null, all);
    else callback(null, all[0].address, all[0].family);
  };
}

async function resolveAll(host: string): Promise<string[]> {
  const found = await resolveHost(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

async function contentOf(address: string): Promise<Buffer> {
  // base64 takes four characters for three bytes, percent signs three for one
  if (address.length > 3 * MAX_FETCHED + 1_024) throw new AddressRefusedError(`its data is above ${MAX_FETCHED} bytes`);
  const response = await fetch(address).catch(() => undefined);
  if (response === undefined) throw new AddressRefusedError("its data cannot be read");
  const content = Buffer.from(await response.arrayBuffer());
  if (content.length > MAX_FETCHED) throw new AddressRefusedError(`its data is above ${MAX_FETCHED} bytes`);
  return content;
}
