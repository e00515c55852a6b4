import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { PGlite } from "@electric-sql/pglite";
import { gpuModelOf } from "@turingfog/sdk";

const GENESIS = 1_800_000_000;
const TFT = "0x1a1ca7f5bb75b324947d600bb1972f7063b909f8";
const USD = "0x5fbdb2315678afecb367f032d93f642f64180aa3";

/** The columns that the measured pages ask for, with the types that the index has. */
const TABLES = `
  create table snapshot (id int primary key, block numeric, block_hash text, "time" numeric);
  create table assets (address text primary key, decimals int, is_listed boolean, symbol text, reference_price numeric);
  create table nodes (id numeric primary key, gpu_count int, gpu_model text, gpu_model_name text, rate_per_day numeric,
    attested_from numeric, attested_until numeric);
  create table listings (node_id numeric, asset text, unit_price numeric, capacity_tu numeric);
  create table orders (id numeric primary key, status text, node_id numeric, payer text, holder text, asset text,
    tu_amount numeric, unit_price numeric, deposit numeric, tu_settled numeric, earned numeric, started_at numeric,
    ends_at numeric, refund_to text, transaction_hash text, stopped_at numeric, closed_at numeric, refund numeric);
  create index on orders (started_at);
  create index on orders (status, started_at);`;

/** Fills the tables with so many nodes, one offer each, and orders on them, of which nine in ten are closed. */
function rowsOf(nodes: number, orders: number): string {
  const model = gpuModelOf("RTX 2080 Ti");
  return `
    insert into snapshot values (31337, 1000000, '0x${"ab".repeat(32)}', ${GENESIS + 10_000_000});
    insert into assets values ('${TFT}', 18, true, 'TFT', null), ('${USD}', 6, true, 'USD', 100e18::numeric);
    insert into nodes select (1::numeric * 4294967296) + i, 1 + i % 8, '${model}', (array['RTX 2080 Ti','V100','Titan V'])[1 + i % 3],
      1350000000000000000::numeric * (1 + i % 8), ${GENESIS}, ${GENESIS} + i * 20000 from generate_series(1, ${nodes}) i;
    insert into listings select 4294967296::numeric + i, '${USD}', 2000000 + i * 10, 500000000000000000000
      from generate_series(1, ${nodes}) i;
    insert into orders select (2::numeric * 4294967296) + i, case when i % 10 = 0 then 'open' else 'closed' end,
      4294967296::numeric + 1 + i % ${nodes}, '0x' || lpad(to_hex(i % 5000), 40, '0'), '0x' || lpad(to_hex(i % 5000), 40, '0'), '${USD}',
      2000000000000000000, 2000000, 4000000, 1500000000000000000, 3000000, ${GENESIS} + i * 90, ${GENESIS} + i * 90 + 86400,
      '0x' || repeat('0', 40), '0x' || lpad(to_hex(i), 64, '0'), null, null, case when i % 10 = 0 then null else 1000000 end
      from generate_series(1, ${orders}) i;
    analyze;`;
}

/**
 * Serves a database with many orders by the index's own way of asking, and the last block as a node does. It stands in for
 * Ponder, which would have to read a chain of as many events first; the statements, and the engine that runs them, are the
 * same.
 */
export class StandIn {
  private constructor(
    private readonly database: PGlite,
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(nodes: number, orders: number): Promise<StandIn> {
    const database = await PGlite.create();
    await database.exec(TABLES);
    await database.exec(rowsOf(nodes, orders));
    const server = createServer((request, response) => {
      void (async () => {
        const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
        const question = new URL(request.url ?? "/", "http://index").searchParams.get("sql");
        response.writeHead(200, { ...headers, "content-type": "application/json" });
        if (question === null) return response.end(HEAD);
        const { json } = JSON.parse(question) as { json: { sql: string } };
        const { rows } = await database.query(json.sql);
        response.end(JSON.stringify({ rows }));
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new StandIn(database, server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await this.database.close();
  }
}

/** A node's answer to the one call that the pages make, and the index's as to how far it is. */
const HEAD = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  chain: { id: 31_337, block: { number: 1_000_000, timestamp: GENESIS + 10_000_000 } },
  result: { number: "0xf4240", timestamp: `0x${(GENESIS + 10_000_000).toString(16)}` },
});

/** An address book as far as the page reads it. */
export const BOOK = { chainId: 31_337, firstBlock: 0, addresses: { tft: TFT } };
