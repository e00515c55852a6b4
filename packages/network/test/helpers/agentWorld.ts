import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  addIntakeRoutes,
  Health,
  HttpClient,
  initNodeFolder,
  makeGrant,
  MeterVerifier,
  nextDocument,
  NODE_CONFIG,
  NodeClient,
  openServer,
  OrderFiles,
  ProcessRunner,
  readNodeConfig,
  saveDocument,
  sealBundle,
} from "@turingfog/network";
import {
  jobDomain,
  meterDomain,
  NODE_DOCUMENT,
  nodeDomain,
  oracleDomain,
  SIGNER_DOCUMENT,
  type Signed,
  type SignerDocument,
  SIGNERS,
} from "@turingfog/sdk/wire";
import { id, Wallet } from "ethers";
import JSON5 from "json5";
import { Registry } from "prom-client";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { accountKeys } from "../../../../test/helpers/keys";
import { listNode, openOrder } from "../../../../test/helpers/market";
import { TURINGFOG } from "../../../../test/helpers/otherChain";
import { ChainServer } from "./chainServer";
import { LOG, openIntake } from "./intake";
import { JOB_OF_TESTS } from "./jobs";
import { freePorts } from "./signers";
import { until } from "./signerProcesses";
import { Stores } from "./stores";

const CHAIN_ID = 31_337n;
const PRICE = 1_000_000n;
const TU = 10n ** 18n;

const RUNNER = {
  kind: "process" as const,
  name: "program",
  command: "/bin/sleep",
  args: ["600"],
  limits: { memoryMiB: 64, cpuSeconds: 60, processes: 8, seconds: 600, outputMiB: 1 },
};

/** A node's agent in a process of its own, an order that it works on, and a signer of the test's that takes its readings. */
export class AgentWorld {
  private child?: ChildProcess;
  private output = "";

  private constructor(
    readonly folder: string,
    readonly orderId: bigint,
    readonly nodeId: bigint,
    readonly intake: Awaited<ReturnType<typeof openIntake>>["intake"],
    /** What the test's signer tells of all signers. */
    private readonly documents: Signed<SignerDocument>[],
    private readonly chain: ChainServer,
    private readonly send: () => Promise<void>,
    private readonly ends: (() => Promise<unknown>)[],
  ) {}

  /** @param others addresses that other signers say they have */
  static async open(others: readonly string[]): Promise<AgentWorld> {
    const protocol = await loadFixture(deployProtocolFixture);
    const { actors, contracts, addresses } = protocol;
    const [miner, renter] = [actors.miners[0], actors.renters[0]];
    const nodeId = await listNode(protocol, miner, contracts.usd, PRICE, { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-agent-"));
    const deployments = path.join(folder, "deployments");
    await mkdir(deployments);
    const book = { network: "localhost", chainId: Number(CHAIN_ID), addresses, firstBlock: 0 };
    await writeFile(path.join(deployments, "localhost.json"), JSON.stringify(book));

    const documents: Signed<SignerDocument>[] = [];
    const stores = new Stores();
    const verifier = await MeterVerifier.of(meterDomain(CHAIN_ID, addresses.escrow));
    const { store, world, intake, clock } = await openIntake(stores, [], { verifier });
    const facts = Object.assign(world, { openOrdersOf: () => [...world.orders.values()] });
    const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => {
      addIntakeRoutes(on, { intake, facts, documents: world, health: new Health(), metrics: new Registry() });
      on.get("/v1/signers", (_, reply) => reply.send(SIGNERS.encode({ documents })));
    });
    const endpoint = `http://127.0.0.1:${(server.server.address() as { port: number }).port}`;
    documents.push(...(await documentsOf(protocol, [endpoint, ...others])));

    const [port] = await freePorts(1);
    const node = path.join(folder, "node");
    await initNodeFolder(node, { network: "localhost", deployments, nodeId, signers: [endpoint] });
    const file = path.join(node, NODE_CONFIG);
    const written = JSON5.parse<{ chain: object }>(await readFile(file, "utf8"));
    const quick = { clock: "chain", tickSeconds: 0.1, readingSeconds: 60, finishSeconds: 60, runners: [RUNNER] };
    const chain = { ...written.chain, confirmationSeconds: 0, poll: 0.1 };
    const listen = { listen: { host: "127.0.0.1", port }, monitor: { port: 0 } };
    await writeFile(file, JSON.stringify({ ...written, ...quick, ...listen, chain }), { mode: 0o600 });
    const config = await readNodeConfig(file);
    const now = BigInt(await time.latest());
    const at = `http://127.0.0.1:${port}`;
    const document = await nextDocument(config, at, now + 100n * 86_400n, now);
    const domain = nodeDomain(CHAIN_ID, addresses.registry);
    await saveDocument(config, await NODE_DOCUMENT.sign(miner, domain, document));

    const sealed = path.join(folder, "bundle.age");
    const asset = (await contracts.usd.getAddress()).toLowerCase();
    const terms = { nodeId, asset, tuAmount: 10n * TU, renter: renter.address.toLowerCase() };
    const job = { ...JOB_OF_TESTS, ...terms, escrow: addresses.escrow.toLowerCase() };
    const { hash, key } = await sealBundle(job, [], sealed);
    const ordered = { nodeId, maxUnitPrice: PRICE, tuAmount: 10n * TU, duration: 864_000n, jobHash: hash };
    const orderId = await openOrder(protocol, renter, contracts.usd, ordered);

    // the signer knows the order, the node and its document, and always what time it is
    const { startedAt, endsAt } = await contracts.escrow.order(orderId);
    const attestations = [{ from: 0n, until: 2n ** 40n - 1n }];
    const owner = miner.address.toLowerCase();
    const registered = { gpuModel: id("GTX 1080 Ti"), ratePerDay: TU, metadataURI: "data:,", ownedSince: 0n };
    world.nodes.set(nodeId, { nodeId, owner, attestations, ...registered });
    world.orders.set(orderId, { orderId, nodeId, startedAt, endsAt, closed: false } as never);
    world.documents.set(nodeId, [{ ...document, signature: "0x00", firstSeen: 0n }]);
    clock.time = endsAt;

    const client = new HttpClient();
    const rpc = await ChainServer.open();
    const send = async () => {
      const grant = await makeGrant(
        renter,
        jobDomain(CHAIN_ID, addresses.escrow),
        orderId,
        document.encryptionKey,
        key.identity,
      );
      await new NodeClient(client, at, orderId).send(grant, sealed, performance.now() + 60_000, () => undefined);
    };
    const run = new OrderFiles(path.join(node, "orders", String(orderId))).run;
    return new AgentWorld(node, orderId, nodeId, intake, documents, rpc, send, [
      () => new ProcessRunner({ ...RUNNER, env: {}, slots: {} }).stop(run),
      async () => client.close(),
      () => server.close(),
      () => rpc.close(),
      () => store.close(),
      () => rm(folder, { recursive: true }),
    ]);
  }

  /** Starts the agent. @param killAt step at which it ends as by kill -9 */
  start(killAt?: string): void {
    const child = spawn(process.execPath, [TURINGFOG, "node", "run", "--config", path.join(this.folder, NODE_CONFIG)], {
      env: {
        PATH: process.env.PATH,
        LOCALHOST_RPC_URL: this.chain.url,
        NODE_OPTIONS: `--require ${path.join(__dirname, "killer.js")}`,
        TURINGFOG_KILL_AT: killAt,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-20_000)));
    }
    this.child = child;
  }

  /** Resolves to the exit code once the agent has ended: null if it was killed. */
  async ended(): Promise<number | null> {
    const child = this.child as ChildProcess;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    this.child?.kill(signal);
    return this.ended();
  }

  /** Hands the job in. */
  async handIn(): Promise<void> {
    await this.send().catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
  }

  /** Lets the time pass after which a reading is due, and waits until the signer has as many as are named. */
  async measure(count: bigint): Promise<void> {
    await this.passMinute();
    await this.untilPosted(count);
  }

  /** Has the test's signer tell of nobody but itself. */
  forgetOthers(): void {
    this.documents.splice(1);
  }

  /** Lets the time pass after which the next reading is due. */
  async passMinute(): Promise<void> {
    await time.increase(61);
  }

  async untilPosted(count: bigint): Promise<void> {
    await until(`Reading ${count}`, async () => {
      const head = await this.intake.log.head(this);
      return head !== undefined && head.sequence >= count ? true : undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
  }

  /** Copies the store of an agent that does not run, or puts the copy back. */
  async copyStore(direction: "out" | "back"): Promise<void> {
    for (const suffix of ["", "-wal", "-shm"]) {
      const [file, copy] = ["node.db", "copy.db"].map((name) => path.join(this.folder, `${name}${suffix}`));
      const [from, to] = direction === "out" ? [file, copy] : [copy, file];
      await rm(to, { force: true });
      await cp(from, to).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    if (this.child?.exitCode === null && this.child.signalCode === null) await this.end("SIGKILL");
    for (const end of this.ends) await end();
  }
}

/** Signs documents of the oracle's signers, with addresses for as many as are given. */
export async function documentsOf({ actors, addresses }: Protocol, endpoints: readonly string[]) {
  const keys = accountKeys().map((key) => new Wallet(key));
  const expiresAt = BigInt(await time.latest()) + 1_000n * 86_400n;
  return Promise.all(
    endpoints.map((endpoint, i) => {
      const key = keys.find(({ address }) => address === actors.oracleSigners[i].address) as Wallet;
      return SIGNER_DOCUMENT.sign(key, oracleDomain(CHAIN_ID, addresses.oracle), {
        signer: key.address.toLowerCase(),
        sequence: 1n,
        expiresAt,
        endpoint,
        linkKey: key.address.toLowerCase(),
        encryptionKey: JOB_OF_TESTS.resultTo,
        drawCommitment: id("draw"),
      });
    }),
  );
}
