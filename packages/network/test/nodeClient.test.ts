import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { HttpClient, NodeClient } from "@turingfog/network";
import { expect } from "chai";

const STATE = { state: "waiting", reason: "", heldSeconds: 0, images: 0, cumulativeTU: "0" };

/** Asks a node for an order's state, which is what a test says. */
async function stateOf(change: object) {
  const server = createServer((_, response) => response.end(JSON.stringify({ ...STATE, ...change })));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = new HttpClient();
  try {
    return await new NodeClient(client, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 5n).state();
  } finally {
    client.close();
    await once(server.close(), "close");
  }
}

describe("NodeClient", () => {
  it("gives a node's words on one line, without what a terminal obeys", async () => {
    const { reason, line } = await stateOf({ reason: "\u001b[2Jgone\r\n", line: "\u009b31m\u202eepoch 1" });
    expect([reason, line]).to.deep.equal([" [2Jgone ", " 31m epoch 1"]);
  });

  it("takes a thousand characters of them, and no more", async () => {
    for (const what of ["reason", "line"] as const) {
      expect((await stateOf({ [what]: "x".repeat(1_000) }))[what]).to.have.lengthOf(1_000);
      await expect(stateOf({ [what]: "x".repeat(1_001) })).to.be.rejectedWith(what);
    }
  });
});
