import { HttpClient, Link, LINK_MIGRATIONS, type LinkTables, openServer } from "@turingfog/network";
import { ENVELOPE, ENVELOPE_HEADER, linkDomain, type SignerDocument } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, Wallet } from "ethers";

import { LOG, StoppedClock } from "../helpers/intake";
import { send } from "../helpers/raw";
import { onBothEngines, type Stores } from "../helpers/stores";

const DOMAIN = linkDomain(31_337n, `0x${"0c".repeat(20)}`);
const [SENDER, RECEIVER, STRANGER] = ["sender", "receiver", "stranger"].map((name) => new Wallet(id(name)));

function document(wallet: Wallet, endpoint = ""): SignerDocument {
  return {
    signer: `0x${wallet.address.slice(-40).toLowerCase().split("").reverse().join("")}`,
    sequence: 1n,
    expiresAt: 2n ** 40n - 1n,
    endpoint,
    linkKey: wallet.address.toLowerCase(),
    encryptionKey: "",
    drawCommitment: "",
  };
}

/** A signer that takes requests of one other, and the links of both. */
async function withLinks(
  stores: Stores,
  test: (world: {
    from: (wallet: Wallet) => Link;
    to: SignerDocument;
    port: number;
    clock: StoppedClock;
  }) => Promise<void>,
): Promise<void> {
  const { db } = await stores.openNew<LinkTables>(LINK_MIGRATIONS);
  const [clock, client] = [new StoppedClock(), new HttpClient()];
  const documents = () => [document(SENDER), document(RECEIVER)];
  const linkOf = (wallet: Wallet) =>
    new Link({ signer: document(wallet).signer, linkKey: wallet, domain: DOMAIN, documents, db, clock, client });
  const receiver = linkOf(RECEIVER);
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => {
    on.post("/v1/proposals", async (request) => ({ from: (await receiver.check(request)).linkKey }));
  });
  const { port } = server.server.address() as { port: number };
  try {
    await test({ from: linkOf, to: document(RECEIVER, `http://127.0.0.1:${port}`), port, clock });
  } finally {
    client.close();
    await server.close();
  }
}

onBothEngines("Link", (stores) => {
  it("tells the receiver which signer has sent a request", async () => {
    await withLinks(stores(), async ({ from, to }) => {
      const answer = await from(SENDER).send(to, "POST", "/v1/proposals", "body");
      expect(JSON.parse(answer.toString())).to.deep.equal({ from: SENDER.address.toLowerCase() });
    });
  });

  it("refuses who is no signer", async () => {
    await withLinks(stores(), async ({ from, to }) => {
      await expect(from(STRANGER).send(to, "POST", "/v1/proposals", "body")).to.be.rejectedWith("no signer's link key");
    });
  });

  it("takes an envelope once, of its own request and body, in its time", async () => {
    await withLinks(stores(), async ({ port, clock }) => {
      const { signer } = document(RECEIVER);
      const bodyHash = "0x230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
      const good = {
        receiver: signer,
        request: "POST /v1/proposals",
        bodyHash,
        nonce: id("1"),
        expiresAt: clock.time + 300n,
      };
      const post = async (change: Partial<typeof good>) => {
        const envelope = await ENVELOPE.sign(SENDER, DOMAIN, { ...good, ...change });
        const headers = { [ENVELOPE_HEADER]: ENVELOPE.encode(envelope) };
        const { status, json } = await send(port, { path: "/v1/proposals", body: "body", headers });
        return status === 200 ? "taken" : (json.error ?? "");
      };
      for (const change of [
        { receiver: document(SENDER).signer },
        { request: "POST /v1/roots" },
        { bodyHash: id("another") },
        { expiresAt: clock.time },
        { expiresAt: clock.time + 301n },
      ]) {
        expect(await post(change), Object.keys(change)[0]).to.equal("bad-envelope");
      }
      expect(await post({})).to.equal("taken");
      expect(await post({})).to.equal("bad-envelope");
      expect(await post({ nonce: id("2") })).to.equal("taken");
      expect((await send(port, { path: "/v1/proposals", body: "body" })).json.error).to.equal("bad-envelope");
    });
  });
});
