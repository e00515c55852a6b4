import {
  addIntakeRoutes,
  CatchUp,
  Health,
  HttpClient,
  Intake,
  INTAKE_MIGRATIONS,
  type IntakeTables,
  MeterVerifier,
  openLog,
  openServer,
  openStore,
} from "@turingfog/network";
import { READING, type Reading } from "@turingfog/sdk/wire";
import { getBytes, hexlify, recoverAddress } from "ethers";
import { Registry } from "prom-client";

import { Meter, METER_DOMAIN, START, World } from "../../../packages/network/test/helpers/meters";
import { answer, type SignerTask, usage } from "./messages";

/** Unlimited: the bench measures what is let in. */
const ALL = { burst: 1e12, perSecond: 0 };

const CLOCK = { now: () => START + 366n * 86_400n, check: () => undefined, sees: () => undefined };

/** Hashes and verifies as ethers does. */
const ETHERS = {
  digest: (reading: Reading) => getBytes(READING.digest(METER_DOMAIN, reading)),
  signerAmong(accounts: readonly string[], digest: Uint8Array, signature: Uint8Array): string | undefined {
    const signer = recoverAddress(digest, hexlify(signature)).toLowerCase();
    return accounts.find((account) => account === signer);
  },
};

async function open({ location, meters, method }: SignerTask) {
  const store = await openStore<IntakeTables>(location, INTAKE_MIGRATIONS);
  const all: Meter[] = [];
  for (let number = 1; number <= meters; ++number) all.push(await Meter.of(number));
  const world = new World(all);
  const log = openLog("bench", "warn");
  const verifier = method === "native" ? await MeterVerifier.of(METER_DOMAIN) : ETHERS;
  const intake = new Intake({
    db: store.db,
    facts: world,
    documents: world,
    verifier,
    clock: CLOCK,
    log,
    perNode: ALL,
  });
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log }, (on) =>
    addIntakeRoutes(on, {
      intake,
      facts: world,
      documents: world,
      health: new Health(),
      metrics: new Registry(),
      perSender: ALL,
    }),
  );
  const { port } = server.server.address() as { port: number };

  /** Pulls all that another signer has, and counts it. */
  const catchUp = async (endpoint: string) => {
    const client = new HttpClient();
    const peer = { signer: "other", endpoint };
    const documents = { show: async () => false };
    const options = { intake, documents, facts: world, peers: () => [peer], client, log, interval: 1 };
    const pulled = await new CatchUp(options).pullFrom(peer);
    client.close();
    return pulled;
  };
  const count = async () =>
    (
      await store.db
        .selectFrom("readings")
        .select(({ fn }) => fn.countAll<bigint>().as("count"))
        .executeTakeFirstOrThrow()
    ).count;
  const stop = async () => {
    await server.close();
    await store.close();
  };
  return { port, catchUp, count, stop };
}

const opened: Awaited<ReturnType<typeof open>>[] = [];

answer(
  async (request: SignerTask | { usage: true } | { count: true } | { catchUp: string }) => {
    if ("role" in request) {
      opened.push(await open(request));
      return opened[0].port;
    }
    if ("count" in request) return opened[0].count();
    if ("catchUp" in request) return opened[0].catchUp(request.catchUp);
    return usage();
  },
  async () => opened[0].stop(),
);
