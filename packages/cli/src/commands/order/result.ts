import { rm } from "node:fs/promises";
import path from "node:path";

import { HttpClient, NodeClient, Rental, unpackBundle } from "@turingfog/network";

import { defineCommand, UsageError, wholeNumber } from "../../lib/command.js";

const USAGE = `Fetches an order's result, checks that the last reading's evidence names it, and decrypts it into a folder.

  turingfog order result DIR [...]

  DIR                folder that turingfog order open has written
  --to DIR           folder for the result, which must not be there yet (default DIR/result)
  --max-mib N        the most MiB to take (default 2048)
  --json             print JSON alone
  --help             print this`;

const MIB = 1_048_576;

export const command = defineCommand({
  usage: USAGE,
  options: { to: { type: "string" }, "max-mib": { type: "string", default: "2048" } },
  required: [],
  words: 1,
  async run(values, output, [folder]) {
    if (folder === undefined) throw new UsageError("DIR is missing; see --help");
    const rental = new Rental(folder);
    const { orderId, endpoint } = await rental.readOpen();
    const to = values.to ?? path.join(folder, "result");
    const maxBytes = wholeNumber("max-mib", values["max-mib"], 1) * MIB;
    const file = path.join(folder, "result.age");
    await rm(file, { force: true });
    const client = new HttpClient();
    try {
      const hash = await new NodeClient(client, endpoint, orderId).result(file, maxBytes);
      const job = await unpackBundle(file, await rental.resultIdentity(), to, maxBytes);
      await rental.checkResult(job);
      output.result({ orderId, hash, folder: to }, `The result of order ${orderId} is in ${to}`);
    } finally {
      client.close();
    }
  },
});
