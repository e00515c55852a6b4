import { mkdir } from "node:fs/promises";
import path from "node:path";

import { Random } from "@turingfog/economy";
import { ends, main, newCommand, type Output, outputOf, UsageError, wholeNumber } from "@turingfog/cli";
import { toJson } from "@turingfog/sdk";
import { writeAtomically } from "@turingfog/sdk/node";
import { TASK_NODE_CREATE_SERVER } from "hardhat/builtin-tasks/task-names";
import type { JsonRpcServer } from "hardhat/types";

import { openChain } from "./demo/chain";

const HOST = "127.0.0.1";

/** The last port there is. */
const MAX_PORT = 65_535;

interface Values {
  months?: string;
  whole: boolean;
  seed: string;
  port: string;
  out: string;
}

async function run(values: Values, output: Output): Promise<number> {
  const seed = wholeNumber("seed", values.seed, 0);
  const port = wholeNumber("port", values.port, 0);
  if (port > MAX_PORT) throw new UsageError(`--port is ${port}, must be a whole number from 0 to ${MAX_PORT}`);
  if (values.whole && values.months !== undefined) throw new UsageError("--whole has all months: leave out --months");
  const months = values.whole ? Infinity : wholeNumber("months", values.months ?? "0", 0);

  const hre = await openChain();
  const { live } = await import("./life/live");
  const book = await live(new Random(seed), months, (text) => output.say(text));

  const server = (await hre.run(TASK_NODE_CREATE_SERVER, {
    ...{ hostname: HOST, port, provider: hre.network.provider },
  })) as JsonRpcServer;
  const url = `http://${HOST}:${(await server.listen()).port}`;
  const file = path.join(values.out, `${book.network}.json`);
  await mkdir(values.out, { recursive: true });
  await writeAtomically(file, `${toJson(book)}\n`);
  output.result({ url, book: file, seed }, `node      ${url}\naddresses ${file}\nCtrl-C ends it`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
  await server.waitUntilClosed();
  return 0;
}

main(
  newCommand({
    description: `Lives the demo's life of TFT and serves its chain as a local node, for what reads a chain over HTTP.

Lives the first ten days, and as many months after them as asked. Writes the address book, prints the node's URL and
serves until it is ended; with --json both are one line. Every account of Hardhat's node can sign.`,
    examples: ["npm run life", "npm run life -- --months 2 --port 8545 --out deployments"],
  })
    .name("npm run life --")
    .option("--months <N>", "months to live after the first ten days; 0 if left out")
    .option("--whole", "live until 100,000,000 TFT are left, and a month more", false)
    .option("--seed <N>", "varies the volumes; the same seed gives the same life", "1")
    .option("--port <N>", "port of the node; 0 for one that is free", "8545")
    .option("--out <DIR>", "folder of the address book, localhost.json", "life-out")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
