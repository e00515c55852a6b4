import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  askForAttestation,
  HttpClient,
  initNodeFolder,
  NODE_CONFIG,
  readKey,
  readNodeConfig,
} from "@turingfog/network";
import { formatInstant, gpuModelOf } from "@turingfog/sdk";
import { readSignerSet } from "@turingfog/sdk/ethers";
import { ATTESTATION_REQUEST, meterDomain, NODE_DOCUMENT, nodeDomain, SIGNERS } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { sha256 } from "ethers";
import JSON5 from "json5";

import { addressBookOf, printedFor } from "../../../test/helpers/commands";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { passVetoWindow } from "../../../test/helpers/market";
import { attestRating, type Images } from "../../../test/helpers/nodes";
import { EXAMPLE_100, EXAMPLE_100_E3, temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";
import { SignerProcesses, until } from "./helpers/signerProcesses";

const DAY = 86_400n;
const MODEL = gpuModelOf("Example 100");
const LOG = path.join(EXAMPLE_100, "resnet50.log");

const SETTINGS = {
  chain: { network: "localhost", deployments: "../deployments", confirmationSeconds: 0, poll: 0.1 },
  clock: "chain",
  tick: 0.1,
  allowPrivate: true,
};

/** Two nodes of one owner with their folders, and four signers, of which the last attests by hand. */
async function withWorld(
  test: (world: {
    processes: SignerProcesses;
    registry: Awaited<ReturnType<typeof deployProtocolFixture>>["contracts"]["registry"];
    validUntil: bigint;
    run: (node: number, args?: string[]) => Promise<string>;
    /** Returns what the signers answer about a log for a node. */
    ask: (node: number) => Promise<string[]>;
    nodeIds: bigint[];
  }) => Promise<void>,
): Promise<void> {
  const protocol = await loadFixture(deployProtocolFixture);
  const { contracts, actors, addresses } = protocol;
  const { registry, oracle } = contracts;
  const [owner] = actors.miners;
  await attestRating(protocol, EXAMPLE_100_E3 as Images, MODEL);
  await passVetoWindow(protocol);
  const books = await addressBookOf(protocol);
  const processes = await SignerProcesses.start(protocol, SETTINGS);
  const client = new HttpClient();
  try {
    for (const signer of processes.signers.slice(0, 3)) {
      await signer.end("SIGKILL");
      const written = JSON.parse(await readFile(signer.config, "utf8")) as object;
      await writeFile(signer.config, JSON.stringify({ ...written, attest: true }));
      signer.start();
    }
    const expiresAt = BigInt(await time.latest()) + 60n * DAY;
    const nodes: { nodeId: bigint; file: string }[] = [];
    for (const nodeId of await registered(2)) {
      const folder = path.join(temporaryFolder(), "node");
      const signers = processes.signers.map(({ endpoint }) => endpoint);
      await initNodeFolder(folder, { network: "localhost", deployments: books, nodeId, signers });
      const file = path.join(folder, NODE_CONFIG);
      const written = JSON5.parse<object>(await readFile(file, "utf8"));
      const runner = { kind: "benchmark", name: "any", command: "/bin/true", limits: LIMITS };
      await writeFile(file, JSON.stringify({ ...written, runners: [runner] }), { mode: 0o600 });
      const meter = await readKey((await readNodeConfig(file)).meter.key);
      const document = await NODE_DOCUMENT.sign(owner, nodeDomain(31_337n, addresses.registry), {
        ...{ nodeId, sequence: 1n, expiresAt, endpoint: "http://127.0.0.1:1" },
        meterKey: meter.address.toLowerCase(),
        encryptionKey: `age1${"q".repeat(58)}`,
        runners: [{ kind: "benchmark", name: "any", slots: {} }],
      });
      const text = Buffer.from(NODE_DOCUMENT.encode(document)).toString("base64");
      await registry.connect(owner).setMetadataURI(nodeId, `data:application/json;base64,${text}`);
      nodes.push({ nodeId, file });
    }
    const validUntil = BigInt(await time.latest()) + 30n * DAY;
    const ask = async (node: number) => {
      const { nodeId, file } = nodes[node];
      const config = await readNodeConfig(file);
      const log = await readFile(LOG);
      const asked = { nodeId, validUntil, evidence: sha256(log), card: "" };
      const domain = meterDomain(31_337n, addresses.escrow);
      const request = await ATTESTATION_REQUEST.sign(await readKey(config.meter.key), domain, asked);
      const signerSet = await readSignerSet(oracle);
      const answers = await askForAttestation({ client, seeds: config.signers.slice(0, 1), signerSet, request, log });
      return answers.map(
        ({ given, reason }) => given?.signature ?? (/\(([a-z-]+)\)/.exec(reason ?? "")?.[1] as string),
      );
    };
    const run = (node: number, args: string[] = []) => {
      const told = ["--config", nodes[node].file, "--valid-until", formatInstant(validUntil)];
      const place = ["--network", "hardhat", "--deployments", books];
      return printedFor(actors.stranger, "node attest", [LOG, ...told, ...place, ...args]);
    };
    await test({ processes, registry, validUntil, run, ask, nodeIds: nodes.map(({ nodeId }) => nodeId) });
  } finally {
    client.close();
    await processes.stop();
  }

  async function registered(count: number): Promise<bigint[]> {
    const nodeIds: bigint[] = [];
    for (let i = 0; i < count; ++i) {
      const terms = [MODEL, 1n, owner.address, "ipfs://none"] as const;
      nodeIds.push(await registry.connect(owner).registerNode.staticCall(...terms));
      await registry.connect(owner).registerNode(...terms);
    }
    return nodeIds;
  }
}

const LIMITS = { memoryMiB: 64, cpuSeconds: 60, processes: 8, seconds: 600, outputMiB: 1 };

/** Waits until the signers have read the chain, and each knows where the others are. */
async function untilReady({ signers }: SignerProcesses): Promise<void> {
  await until("An answer of every signer", async () => {
    for (const { endpoint } of signers) {
      const answer = await fetch(`${endpoint}/v1/signers`).catch(() => undefined);
      if (answer?.status !== 200) return undefined;
      if (SIGNERS.decode(await answer.text()).documents.length < signers.length) return undefined;
    }
    return true;
  });
}

describe("turingfog node attest, with four signers as processes", () => {
  it("has a node attested on the chain, after too few have signed too, and no log for two nodes after a restart", () =>
    withWorld(async ({ processes, registry, validUntil, run, ask, nodeIds }) => {
      const [first] = processes.signers;
      await untilReady(processes);
      // only two of three that are needed
      await first.end("SIGTERM");
      expect(((await thrownBy(run(0))) as Error).message).to.match(/^2 valid signatures, 3 needed; missing: /);
      expect((await registry.pendingAttestation(nodeIds[0])).until).to.equal(0n);

      first.start();
      await untilReady(processes);
      const before = await ask(0);
      expect(await run(0, ["--dry-run"])).to.match(/Nothing sent\. It would take [\d,]+ gas/);
      const printed = await run(0);
      expect(printed)
        .to.match(/signature of +answer\n/)
        .and.contain("(not-offered)");
      expect(printed.match(/ signed$/gm)).to.have.length(3);
      expect(printed).to.match(/^Attested by .*; counts from /m);
      expect((await registry.pendingAttestation(nodeIds[0])).until).to.equal(validUntil);
      const [attested] = await registry.queryFilter(registry.filters.NodeAttested(nodeIds[0]));
      expect(attested.args.evidence).to.equal(sha256(await readFile(LOG)));

      for (const signer of processes.signers) {
        await signer.end("SIGTERM");
        signer.start();
      }
      await untilReady(processes);
      expect(await ask(1)).to.have.members(["log-used", "log-used", "log-used", "not-offered"]);
      expect(await ask(0)).to.have.members(before);
    })).timeout(300_000);
});
