import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import {
  addTrainingRoutes,
  HttpClient,
  JointRun,
  openServer,
  requestTo,
  saveHashed,
  WrongBytesError,
} from "@turingfog/network";
import { linkDomain, ROUND_CLAIM, TRAINING_STATE } from "@turingfog/sdk/wire";
import { initialWeights, toBytes } from "@turingfog/training";
import { expect } from "chai";
import { id, Wallet } from "ethers";

import { inFolder } from "../helpers/folders";
import { LOG, StoppedClock } from "../helpers/intake";
import { METER_DOMAIN } from "../helpers/meters";
import { SHARDS, tinyPlan } from "../helpers/training";

const DOMAIN = linkDomain(31_337n, `0x${"0c".repeat(20)}`);
const [SERVED, READER, STRANGER] = ["served", "reader", "stranger"].map(
  (name) => new Wallet(id(`joint route ${name}`)),
);
const ORDER = 3n;
const PLAN = tinyPlan();

interface Served {
  ask: (what: string, by?: Wallet, receiver?: string, orderId?: bigint) => Promise<Buffer>;
  run: JointRun;
  url: string;
  client: HttpClient;
  bundle: string;
}

async function served(test: (given: Served) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const run = await JointRun.open({
      ...{ orderId: ORDER, nodeId: 1n, job: { plan: PLAN, shards: SHARDS, least: 1 }, folder, input: folder },
      ...{ network: {} as never, sign: async () => ({}) as never, patience: 1, log: LOG },
      ...{ note: async () => undefined, trained: async () => undefined },
    });
    const bundle = path.join(folder, "bundle.age");
    await writeFile(bundle, "sealed");
    const clock = new StoppedClock();
    const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) =>
      addTrainingRoutes(on, {
        ...{ meterKey: SERVED.address.toLowerCase(), domain: DOMAIN, clock },
        readers: async () => new Set([READER.address.toLowerCase()]),
        runOf: async (orderId) => (orderId === ORDER ? run : undefined),
        bundleOf: () => bundle,
        orderOf: ({ params }) => ({ orderId: BigInt((params as { orderId: string }).orderId) }) as never,
      }),
    );
    const client = new HttpClient();
    const endpoint = `http://127.0.0.1:${(server.server.address() as { port: number }).port}`;
    const ask: Served["ask"] = async (what, key = READER, receiver = SERVED.address.toLowerCase(), orderId = ORDER) => {
      const by = { key, domain: DOMAIN, clock, allowPrivate: true };
      const { url, settings } = await requestTo({ endpoint, meterKey: receiver }, `/v1/orders/${orderId}/${what}`, by);
      return client.get(url, settings);
    };
    try {
      await test({ ask, run, url: `${endpoint}/v1/orders/${ORDER}`, client, bundle });
    } finally {
      client.close();
      await server.close();
      await run.close();
    }
  });
}

describe("What a worker of joint training serves", () => {
  it("is its rounds, its weights and the bundle, to other workers and signers", () =>
    served(async ({ ask, run, bundle }) => {
      const weights = initialWeights(PLAN.model, PLAN.seed);
      const hash = await run.store.put(weights);
      expect(await ask(`weights/${hash}`)).to.deep.equal(Buffer.from(toBytes(weights)));
      expect(await ask("bundle")).to.deep.equal(await readFile(bundle));
      const claim = { orderId: ORDER, nodeId: 1n, round: 1n, startHash: hash, endHash: hash, images: 12n };
      const signed = await ROUND_CLAIM.sign(SERVED, METER_DOMAIN, claim);
      await run.book.addClaim(signed);
      expect(TRAINING_STATE.decode(await ask("rounds?after=0"))).to.deep.equal({ claims: [signed], closings: [] });
      expect(TRAINING_STATE.decode(await ask("rounds?after=1")).claims).to.deep.equal([]);
    }));

  it("is nothing to a stranger, without an envelope, or with another worker's", () =>
    served(async ({ ask, client, url }) => {
      for (const what of ["rounds?after=0", `weights/${id("weights")}`, "bundle"]) {
        await expect(client.get(`${url}/${what}`)).to.be.rejectedWith("401 (bad-envelope)");
        await expect(ask(what, STRANGER)).to.be.rejectedWith("403 (no-reader)");
        await expect(ask(what, READER, READER.address.toLowerCase())).to.be.rejectedWith("401 (bad-envelope)");
      }
    }));

  it("is refused by name if it is not there, or not asked for as it must be", () =>
    served(async ({ ask }) => {
      await expect(ask("rounds?after=x")).to.be.rejectedWith("400 (bad-request)");
      await expect(ask("weights/..%2frounds")).to.be.rejectedWith("400 (bad-request)");
      await expect(ask(`weights/${id("none")}`)).to.be.rejectedWith("404 (no-weights)");
      await expect(ask("rounds?after=0", READER, SERVED.address.toLowerCase(), 4n)).to.be.rejectedWith("404 (no-run)");
    }));
});

describe("saveHashed", () => {
  it("refuses bytes of another hash", () =>
    inFolder(async (folder) => {
      const bytes = async function* () {
        yield Buffer.from("other");
      };
      await expect(saveHashed(bytes(), id("expected"), path.join(folder, "file"))).to.be.rejectedWith(WrongBytesError);
    }));
});
