import { channel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import path from "node:path";

import {
  Attestations,
  ATTESTATION_MIGRATIONS,
  type AttestationsOptions,
  type AttestationTables,
  ClockError,
  type NodeFacts,
  openServer,
  toBlob,
  toBytes,
} from "@turingfog/network";
import { gpuModelOf } from "@turingfog/sdk";
import { signMessage } from "@turingfog/sdk/ethers";
import {
  ATTESTATION,
  ATTESTATION_HEADER,
  ATTESTATION_REQUEST,
  type AttestationRequest,
  meterDomain,
  oracleDomain,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, sha256, Wallet, ZeroAddress } from "ethers";
import type { Kysely } from "kysely";

import { editedLog, EXAMPLE_100 } from "../../../../test/helpers/tuLogs";
import { LOG, StoppedClock } from "../helpers/intake";
import { open, send, untilClosed } from "../helpers/raw";
import { onBothEngines, type Stores } from "../helpers/stores";

const DAY = 86_400n;
const CONTRACT = `0x${"11".repeat(20)}`;
const DOMAIN = meterDomain(31_337n, CONTRACT);
const ORACLE = oracleDomain(31_337n, CONTRACT);
const SIGNER = new Wallet(id("signer of attestations"));
const METER = new Wallet(id("meter of attestations"));
const NODE_LOG = readFileSync(path.join(EXAMPLE_100, "resnet50.log"));

const clock = new StoppedClock();
const UNTIL = clock.now() + 30n * DAY;

function nodeOf(nodeId: bigint, gpu = "Example 100"): NodeFacts {
  const registered = { owner: ZeroAddress, ownedSince: 0n, ratePerDay: 1n, metadataURI: "" };
  const attestations = nodeId === 9n ? [{ from: 0n, until: UNTIL }] : [];
  return { nodeId, gpuModel: gpuModelOf(gpu), attestations, ...registered };
}

/** Nodes 7, 8 and 9, the last of which is attested; 5 without a document, and 6 of another GPU. */
const NODES = new Map(
  [5n, 7n, 8n, 9n].map((nodeId) => [nodeId, nodeOf(nodeId)]).concat([[6n, nodeOf(6n, "V100")]]) as [
    bigint,
    NodeFacts,
  ][],
);

interface Asked extends Partial<AttestationRequest> {
  log?: Uint8Array | string;
  meter?: Wallet;
  header?: string;
}

/** A signer that attests, started in a store. */
async function withSigner(
  stores: Stores,
  test: (given: {
    /** Returns the name of the refusal, or the signature. */
    ask: (asked?: Asked) => Promise<string>;
    wanted: bigint[];
    port: number;
    db: Kysely<AttestationTables>;
  }) => Promise<void>,
  { at = stores.location(), ...changes }: Partial<AttestationsOptions> & { at?: string } = {},
): Promise<void> {
  const { db } = await stores.openAt<AttestationTables>(at, ATTESTATION_MIGRATIONS);
  const wanted: bigint[] = [];
  const attestations = new Attestations({
    isOffered: true,
    signer: SIGNER.address.toLowerCase(),
    db,
    chain: {
      node: (nodeId) => NODES.get(nodeId),
      signers: () => ({ signers: [SIGNER.address.toLowerCase()], quorum: 1, version: 3n }),
    },
    documents: {
      keysAt: (nodeId) => (nodeId === 5n ? [] : [METER.address.toLowerCase()]),
      want: (nodeId) => void wanted.push(nodeId),
    },
    domain: DOMAIN,
    sign: async (message) => (await signMessage(SIGNER, ORACLE, "NodeAttestation", message)).signature,
    clock,
    log: LOG,
    ...changes,
  });
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) =>
    attestations.addRoutes(on),
  );
  const { port } = server.server.address() as { port: number };
  const ask = async ({ log = NODE_LOG, meter = METER, header, ...asked }: Asked = {}) => {
    const evidence = sha256(Buffer.from(log));
    const request = { nodeId: 7n, validUntil: UNTIL, evidence, card: "", ...asked };
    const text = header ?? ATTESTATION_REQUEST.encode(await ATTESTATION_REQUEST.sign(meter, DOMAIN, request));
    const headers = { "content-type": "application/octet-stream", [ATTESTATION_HEADER]: text };
    const { body, json } = await send(port, { path: "/v1/attestations", body: log, headers });
    return json.error ?? ATTESTATION.decode(body).signature;
  };
  try {
    await test({ ask, wanted, port, db });
  } finally {
    await server.close();
  }
}

/** The signature that the registry takes. */
const signatureOf = async (nodeId: bigint, log: Uint8Array | string = NODE_LOG) => {
  const message = { nodeId, validUntil: UNTIL, evidence: sha256(Buffer.from(log)), signerSetVersion: 3n };
  return (await signMessage(SIGNER, ORACLE, "NodeAttestation", message)).signature;
};

onBothEngines("Attestations", (stores, engine) => {
  it("are signed once a log, for one node and one time, also after a restart", async () => {
    const at = stores().location();
    await withSigner(
      stores(),
      async ({ ask }) => {
        expect(await ask()).to.equal(await signatureOf(7n));
        expect(await ask()).to.equal(await signatureOf(7n));
        expect(await ask({ validUntil: UNTIL + 1n })).to.equal("log-used");
      },
      { at },
    );
    await withSigner(
      stores(),
      async ({ ask }) => {
        expect(await ask({ nodeId: 8n })).to.equal("log-used");
        expect(await ask()).to.equal(await signatureOf(7n));
      },
      { at },
    );
  });

  it("are signed for one of two nodes that show a log at the same time, from two addresses", () =>
    withSigner(stores(), async ({ port }) => {
      const request = async (nodeId: bigint, from: string) => {
        const asked = { nodeId, validUntil: UNTIL, evidence: sha256(NODE_LOG), card: "" };
        const headers = {
          "content-type": "application/octet-stream",
          [ATTESTATION_HEADER]: ATTESTATION_REQUEST.encode(await ATTESTATION_REQUEST.sign(METER, DOMAIN, asked)),
        };
        const answer = await send(port, { path: "/v1/attestations", body: NODE_LOG, headers, from });
        return answer.json.error ?? "signed";
      };
      const answers = await Promise.all([request(7n, "127.0.0.1"), request(8n, "127.0.0.2")]);
      expect(answers.sort()).to.deep.equal(["log-used", "signed"]);
    }));

  // the one connection of SQLite does what it is asked for first
  if (engine === "sqlite") {
    it("are not signed if another process of the signer stores the log for another node in between", () =>
      withSigner(stores(), async ({ ask, db }) => {
        const row = { evidence: toBytes(sha256(NODE_LOG)), node_id: toBlob(8n), valid_until: UNTIL };
        const others: Promise<unknown>[] = [];
        const onStep = (name: unknown) => {
          if (name !== "signer.attestation.before-store") return;
          others.push(db.insertInto("attested_logs").values(row).execute());
        };
        const steps = channel("turingfog:step");
        steps.subscribe(onStep);
        const answer = await ask().finally(() => steps.unsubscribe(onStep));
        await Promise.all(others);
        expect(answer).to.equal("log-used");
        expect(await ask({ nodeId: 8n })).to.equal(await signatureOf(8n));
      }));
  }

  it("are refused by name if the request does not hold, and nothing is stored of it", () =>
    withSigner(stores(), async ({ ask, wanted }) => {
      expect(await ask({ header: "nonsense" })).to.equal("bad-message");
      expect(await ask({ nodeId: 4n })).to.equal("unknown-node");
      expect(await ask({ nodeId: 5n })).to.equal("no-document");
      expect(wanted).to.deep.equal([5n]);
      expect(await ask({ meter: SIGNER })).to.equal("bad-signature");
      expect(await ask({ evidence: id("another log") })).to.equal("other-evidence");
      expect(await ask({ validUntil: clock.now() })).to.equal("validity-out-of-bounds");
      expect(await ask({ validUntil: clock.now() + 90n * DAY + 1n })).to.equal("validity-out-of-bounds");
      expect(await ask({ nodeId: 9n })).to.equal("validity-out-of-bounds");
      expect(await ask({ nodeId: 6n })).to.equal("other-hardware");
      expect(await ask({ log: Buffer.alloc(262_145) })).to.equal("too-large");
      expect(await ask()).to.equal(await signatureOf(7n));
    }));

  it("are refused by the reader's name for what is wrong with a log", () =>
    withSigner(stores(), async ({ ask }) => {
      expect(await ask({ log: "nothing" })).to.equal("log-no-run");
      expect(await ask({ log: editedLog([/total images\/sec: .*\n/, ""]) })).to.equal("log-cut-off");
      expect(await ask({ log: editedLog([/Mode: +training/, "Mode:        forward-only"]) })).to.equal(
        "log-not-training",
      );
      expect(await ask({ log: Buffer.from("1f8b0800", "hex") })).to.equal("log-not-text");
      // four logs a day
      expect(await ask()).to.equal("over-budget");
      expect(await ask({ nodeId: 8n })).to.equal(await signatureOf(8n));
    }));

  it("are refused before the body comes to a sender of too much that was refused", () =>
    withSigner(
      stores(),
      async ({ ask, port }) => {
        for (let i = 0; i < 2; ++i) expect(await ask({ header: "nonsense" })).to.equal("bad-message");
        const head = "POST /v1/attestations HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n";
        expect(await untilClosed(await open(port, head))).to.include("too-many-refused");
      },
      { perSender: { burst: 128, perSecond: 0 } },
    ));

  it("are made one at a time for an address", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let begun = (): void => undefined;
    const signing = new Promise<void>((resolve) => (begun = resolve));
    const sign: AttestationsOptions["sign"] = async (message) => {
      begun();
      await held;
      return (await signMessage(SIGNER, ORACLE, "NodeAttestation", message)).signature;
    };
    await withSigner(
      stores(),
      async ({ ask }) => {
        const first = ask();
        await signing;
        expect(await ask()).to.equal("busy");
        release();
        expect(await first).to.equal(await signatureOf(7n));
        expect(await ask()).to.equal(await signatureOf(7n));
      },
      { sign },
    );
  });

  it("are not signed by a wrong clock", () =>
    withSigner(stores(), async ({ ask }) => void expect(await ask()).to.equal("wrong-clock"), {
      clock: Object.assign(new StoppedClock(), {
        check: () => {
          throw new ClockError("The clock is wrong");
        },
      }),
    }));

  it("are not offered unless the operator says so, nor by somebody who is no signer", async () => {
    await withSigner(stores(), async ({ ask }) => void expect(await ask()).to.equal("not-offered"), {
      isOffered: false,
    });
    await withSigner(stores(), async ({ ask }) => void expect(await ask()).to.equal("no-signer"), { signer: CONTRACT });
  });
});
