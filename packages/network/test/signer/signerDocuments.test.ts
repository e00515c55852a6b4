import {
  Draws,
  HttpClient,
  openServer,
  SIGNER_DOCUMENT_MIGRATIONS,
  SignerDocuments,
  type SignerDocumentTables,
} from "@turingfog/network";
import { DRAW, oracleDomain, SIGNER_DOCUMENT, type SignerDocument, SIGNERS } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, sha256, Wallet } from "ethers";

import { LOG, StoppedClock } from "../helpers/intake";
import { ESCROW } from "../helpers/meters";
import { send } from "../helpers/raw";
import { Stores } from "../helpers/stores";
import { Trickler } from "../helpers/trickler";

const DOMAIN = oracleDomain(31_337n, ESCROW);
const INTERVAL = 3_600n;
const KEYS = [1, 2, 3].map((number) => new Wallet(id(`signer ${number}`)));
const addressOf = ({ address }: Wallet) => address.toLowerCase();
const ADDRESSES = KEYS.map(addressOf);

/** What one signer knows of the others, whose answers are the test's. */
async function withDocuments(
  test: (given: {
    documents: SignerDocuments;
    clock: StoppedClock;
    /** What the other signer tells. */
    told: string[];
    sign: (key: Wallet, change?: Partial<SignerDocument>) => Promise<string>;
    reopen: (change?: { linkKey?: Wallet }) => Promise<SignerDocuments>;
    signers: { inForce: string[] };
    contracts: Set<string>;
    port: number;
  }) => Promise<void>,
  peers: string[] = [],
): Promise<void> {
  const [stores, client, clock] = [new Stores(), new HttpClient(), new StoppedClock()];
  const { db } = await stores.openNew<SignerDocumentTables>(SIGNER_DOCUMENT_MIGRATIONS);
  const [told, signers, contracts]: [string[], { inForce: string[] }, Set<string>] = [
    [],
    { inForce: [...ADDRESSES] },
    new Set(),
  ];
  const other = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => {
    on.get("/v1/signers", (_, reply) =>
      reply.send(SIGNERS.encode({ documents: told.map((text) => SIGNER_DOCUMENT.decode(text)) })),
    );
  });
  const endpoint = `http://127.0.0.1:${(other.server.address() as { port: number }).port}`;
  const reopen = async ({ linkKey = new Wallet(id("link")) } = {}) => {
    const opened = new SignerDocuments({
      ...{ signerKey: KEYS[0], linkKey, endpoint: "https://a.example", db, client, clock, log: LOG },
      ...{ interval: INTERVAL, domain: DOMAIN, peers: [...peers, endpoint] },
      encryptionKey: `age1${"q".repeat(58)}`,
      draws: new Draws(Buffer.alloc(32, 1)),
      signers: () => signers.inForce,
      blockTime: () => clock.time,
      isSignedByContract: async ({ signature }) => contracts.has(signature),
    });
    await opened.load();
    return opened;
  };
  const sign = async (key: Wallet, change: Partial<SignerDocument> = {}) => {
    const document = {
      signer: addressOf(key),
      sequence: 1n,
      expiresAt: clock.time + INTERVAL,
      endpoint: "https://b.example",
      linkKey: addressOf(new Wallet(id(`link of ${change.signer ?? addressOf(key)}`))),
      encryptionKey: `age1${"q".repeat(58)}`,
      drawCommitment: id("draw"),
      ...change,
    };
    return SIGNER_DOCUMENT.encode(await SIGNER_DOCUMENT.sign(key, DOMAIN, document));
  };
  const documents = await reopen();
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) =>
    documents.addRoutes(on),
  );
  const { port } = server.server.address() as { port: number };
  try {
    await test({ documents, clock, told, sign, reopen, signers, contracts, port });
  } finally {
    client.close();
    await server.close();
    await other.close();
    await stores.close();
  }
}

describe("SignerDocuments", () => {
  const [, B, C] = KEYS;
  const [own, b, c] = ADDRESSES;
  const inForce = (documents: SignerDocuments) => documents.inForce().map(({ signer }) => signer);

  it("says where this signer is, and again only if something of it has changed", () =>
    withDocuments(async ({ documents, clock, reopen }) => {
      await documents.renew();
      const first = documents.of(own);
      await documents.renew();
      expect(documents.of(own)).to.equal(first);
      const changed = await reopen({ linkKey: new Wallet(id("another link")) });
      await changed.renew();
      expect(changed.of(own)?.sequence).to.equal(clock.time + 1n);
      clock.time += INTERVAL;
      await changed.renew();
      expect(changed.of(own)?.sequence).to.equal(clock.time);
    }));

  it("commits to the next interval's secret, and shows it once that is over", () =>
    withDocuments(async ({ documents, clock, port }) => {
      await documents.renew();
      const { drawCommitment } = documents.of(own) ?? {};
      const next = clock.time / INTERVAL + 1n;
      const get = () => send(port, { method: "GET", path: `/v1/draws/${next}` });
      for (const passed of [0n, INTERVAL, INTERVAL]) {
        clock.time += passed;
        expect((await get()).json.error).to.equal("not-over");
      }
      clock.time += INTERVAL;
      expect(sha256(DRAW.decode((await get()).body).secret)).to.equal(drawCommitment);
      expect((await send(port, { method: "GET", path: "/v1/draws/x" })).json.error).to.equal("bad-request");
    }));

  it("takes what another tells of signers in force, signed by themselves, and tells it on", () =>
    withDocuments(async ({ documents, told, sign, contracts, signers, reopen, port }) => {
      const byContract = SIGNER_DOCUMENT.decode(await sign(B, { signer: c }));
      const stranger = await sign(new Wallet(id("stranger")));
      const forged = await sign(B, { signer: own, sequence: 9n ** 9n });
      told.push(await sign(B), SIGNER_DOCUMENT.encode(byContract), stranger, forged);
      await documents.exchange();
      expect(inForce(documents)).to.deep.equal([b]);
      contracts.add(byContract.signature);
      await documents.exchange();
      expect(inForce(documents)).to.deep.equal([b, c]);
      expect(inForce(await reopen())).to.deep.equal([b, c]);
      signers.inForce = [own, b];
      const { body } = await send(port, { method: "GET", path: "/v1/signers" });
      expect(SIGNERS.decode(body).documents.map(({ signer }) => signer)).to.deep.equal([b]);
    }));

  it("has the one of the highest sequence in force, until it expires, and none of two that contradict each other", () =>
    withDocuments(async ({ documents, clock, told, sign }) => {
      told.push(await sign(B, { sequence: 2n }), await sign(B, { sequence: 1n }), await sign(C));
      await documents.exchange();
      expect(documents.of(b)?.sequence).to.equal(2n);
      told.push(await sign(B, { sequence: 2n, endpoint: "https://elsewhere.example" }));
      await documents.exchange();
      expect(inForce(documents)).to.deep.equal([c]);
      told.push(await sign(B, { sequence: 3n }));
      await documents.exchange();
      expect(inForce(documents)).to.deep.equal([b, c]);
      clock.time += INTERVAL;
      expect(inForce(documents)).to.deep.equal([]);
    }));

  it("hears the others while one answers bit by bit, and stops asking when it is told to", async () => {
    const trickler = await Trickler.open();
    await withDocuments(
      async ({ documents, told, sign }) => {
        told.push(await sign(B));
        const end = new AbortController();
        const exchanging = documents.exchange(end.signal);
        while (inForce(documents).length === 0) await new Promise(setImmediate);
        end.abort();
        await exchanging;
        expect(trickler.asked).to.deep.equal(["/v1/signers"]);
      },
      [trickler.endpoint],
    );
    await trickler.close();
  });
});
