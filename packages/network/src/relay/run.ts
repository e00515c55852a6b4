import type { Kysely } from "kysely";

import { linkDomain, nodeDomain } from "@turingfog/sdk/wire";
import { CHAIN_MIGRATIONS, CHAIN_STEPS, ChainFacts, type ChainTables, chainOf } from "../chain/index.js";
import { LINK_MIGRATIONS, LINK_STEPS, type LinkTables } from "../http/index.js";
import type { Role, RoleContext, Stoppable } from "../runtime/index.js";
import { openStore } from "../store/index.js";
import type { RelayConfig } from "./config.js";
import { Members } from "./members.js";
import { BODY_STEPS, openRelayServer } from "./relayServer.js";
import { RELAY_MIGRATIONS, type RelayTables } from "./tables.js";
import { Tunnels } from "./tunnels.js";

/** Steps of a relay: before and after each durable write, and in the middle of a body. */
export const RELAY_STEPS = [...CHAIN_STEPS, ...LINK_STEPS, ...BODY_STEPS] as const;

/** A relay, as a process. */
export function relayRole(config: RelayConfig): Role {
  return { name: "relay", config, start: (context) => startRelay(config, context) };
}

async function startRelay(config: RelayConfig, context: RoleContext): Promise<Stoppable> {
  const { clock, health, log, metrics, signal } = context;
  const { listen, limits } = config;
  const { book, connect } = await chainOf(config.chain);
  const migrations = { ...CHAIN_MIGRATIONS, ...LINK_MIGRATIONS, ...RELAY_MIGRATIONS };
  const store = await openStore<ChainTables & LinkTables & RelayTables>(config.store, migrations);
  const db = <T>() => store.db as unknown as Kysely<T>;
  const facts = new ChainFacts({ ...config.chain, connect, book, db: db(), clock, health });
  const [chainId, { oracle, registry }] = [BigInt(book.chainId), book.addresses];
  const domains = { node: nodeDomain(chainId, registry), link: linkDomain(chainId, oracle) };
  const endpoint = config.endpoint.replace(/\/$/, "");
  const members = new Members({ endpoint, facts, domains, db: db(), nonces: db(), clock });
  const tunnels = new Tunnels(limits);
  const server = await openRelayServer({ listen, limits, members, tunnels, log, metrics });
  log.info({ listen: server.addresses() }, "listening");
  const following = facts.run(signal);
  return {
    stop: async () => {
      tunnels.close();
      await server.close();
      await following;
      await store.close();
    },
  };
}
