import { useSyncExternalStore } from "react";

/** A place in the page: the network, the page's name, and what it is about. */
export interface Route {
  chain: string;
  page: string;
  parts: readonly string[];
}

/** What a page is drawn from. */
export interface PageProps {
  parts: readonly string[];
}

/** Returns the link of a place. It stays valid as long as the page is served. */
export function linkTo(chain: string, page: string, ...parts: (string | bigint | number)[]): string {
  return `#/${[chain, page, ...parts].map((part) => encodeURIComponent(String(part))).join("/")}`;
}

/** Returns the place that a link leads to; the parts that are missing are empty. */
export function routeOf(hash: string): Route {
  const [chain = "", page = "", ...parts] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  return { chain, page, parts };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Follows the place in the address bar. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  return routeOf(hash);
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => window.removeEventListener("hashchange", onChange);
}
