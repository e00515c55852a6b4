import { readFileSync } from "node:fs";
import path from "node:path";

import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { UsageError } from "@turingfog/cli";
import { ConfigError } from "@turingfog/network";
import { formatInstant, GENESIS_RATINGS, gpuModelOf, TU, unitPriceOf } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";
import { ethers } from "hardhat";

import { addressBookOf, printedFor } from "../../../test/helpers/commands";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { passVetoWindow } from "../../../test/helpers/market";
import { attestRating, type Images } from "../../../test/helpers/nodes";
import { EXAMPLE_100, EXAMPLE_100_E3, fileOf, temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";

async function deployed() {
  const protocol = await deployProtocolFixture();
  const { contracts, actors } = protocol;
  const [usd, tft] = await Promise.all([contracts.usd.getAddress(), contracts.tft.getAddress()]);
  const [owner] = actors.miners;
  return { ...protocol, protocol, usd, tft, owner, books: await addressBookOf(protocol) };
}

type Deployed = Awaited<ReturnType<typeof deployed>>;

/** Runs a command as the owner of the nodes, or as another account. */
const run = ({ books, owner }: Deployed, command: string, args: string[], account = owner) =>
  printedFor(account, command, [...args, "--network", "hardhat", "--deployments", books]);

const messageOf = async (call: Promise<unknown>) => ((await thrownBy(call)) as Error).message;

/** An inventory of three machines: two with the common offers, one with its own and another payout. */
const inventoryOf = ({ usd, tft, actors }: Deployed) => ({
  offers: [
    { asset: usd, price: "0.4", capacity: "100" },
    { asset: tft, price: "1.5", per: "GPU hour", capacity: "20.5" },
  ],
  nodes: [
    { uri: "https://a.example/v1/document", gpu: "RTX 2080 Ti", count: 8 },
    { uri: "https://b.example/v1/document", gpu: "NVIDIA GeForce RTX 2080 Ti", count: 8 },
    {
      ...{
        uri: "https://c.example/v1/document",
        gpu: "Tesla V100-SXM2-16GB",
        count: 4,
        payout: actors.stranger.address,
      },
      offers: [{ asset: usd, price: "0.5", capacity: "7" }],
    },
  ],
});

interface Result {
  owner: string;
  nodes: { nodeId: string | null; uri: string; gpu: string }[];
  listings: { nodeId: string; unitPrice: string }[];
  outcomes: { kind: string; transaction?: string; transactions?: string[]; file?: string }[];
}

const json = async (world: Deployed, command: string, args: string[], account = world.owner) =>
  JSON.parse(await run(world, command, [...args, "--json"], account)) as Result;

const sentBy = async ({ owner }: Deployed) => ethers.provider.getTransactionCount(owner.address);

describe("turingfog node register", () => {
  it("registers a node of a rated model, and says what comes next", async () => {
    const world = await loadFixture(deployed);
    const { registry } = world.contracts;
    const args = ["--gpu", "GeForce RTX 2080 Ti", "--count", "3", "--uri", "ipfs://document"];
    const { owner, nodes, outcomes } = await json(world, "node register", args);
    expect(owner).to.equal(world.owner.address);
    expect(outcomes).to.have.length(1);
    const [{ nodeId }] = nodes;
    const node = await registry.node(nodeId ?? 0n);
    expect([node.owner, node.payout, node.gpuModel, node.gpuCount]).to.deep.equal([
      ...[owner, owner, gpuModelOf("RTX 2080 Ti"), 3n],
    ]);
    const again = await run(world, "node register", args);
    expect(again)
      .to.contain("1 of 1 are registered already, 0 are to be")
      .and.contain(`ipfs://document: node ${nodeId}`);
    expect(again).to.contain(
      `Next: turingfog node init --network hardhat --node ${nodeId} --folder DIR --endpoint URL`,
    );
  });

  it("takes the model from what was measured, and says if a machine is slower than its model", async () => {
    const world = await loadFixture(deployed);
    const args = ["--log", EXAMPLE_100, "--uri", "ipfs://measured"];
    expect(await messageOf(run(world, "node register", args))).to.match(
      /^Example 100 of ipfs:\/\/measured has no rating that counts: have a quorum rate it/,
    );
    const faster = EXAMPLE_100_E3.map((each) => each * 2n) as Images;
    await attestRating(world.protocol, faster, gpuModelOf("Example 100"));
    const { from } = await world.contracts.registry.pendingRating(gpuModelOf("Example 100"));
    expect(await messageOf(run(world, "node register", args))).to.contain(`counts from ${formatInstant(from)}`);
    await passVetoWindow(world.protocol);
    const notes: string[] = [];
    const note = console.error;
    console.error = (line: string) => notes.push(line);
    const { nodes } = await json(world, "node register", args).finally(() => (console.error = note));
    expect(nodes[0]).to.include({ gpu: "Example 100" });
    expect(notes.join("\n")).to.match(
      /ipfs:\/\/measured was measured at [\d.]+ TU a day a GPU; a Example 100 is rated at/,
    );
  });

  it("registers what an inventory has and the chain has not, with one command that may be run again", async () => {
    const world = await loadFixture(deployed);
    const { registry } = world.contracts;
    const file = fileOf("fleet.json5", JSON.stringify(inventoryOf(world)));
    // as if an earlier run had come as far as the second machine
    const { uri } = inventoryOf(world).nodes[1];
    await registry.connect(world.owner).registerNode(gpuModelOf("RTX 2080 Ti"), 8n, world.owner.address, uri);
    const before = await sentBy(world);

    const dry = await run(world, "node register", ["--inventory", file, "--dry-run"]);
    expect(dry)
      .to.contain("1 of 3 are registered already, 2 are to be")
      .and.match(/Nothing sent\. It would take [\d,]+ gas/)
      .and.contain("Next: once it is sent, the same command, which tells the IDs");
    expect(await sentBy(world)).to.equal(before);

    const { nodes, outcomes } = await json(world, "node register", ["--inventory", file]);
    expect(await sentBy(world)).to.equal(before + 2);
    expect(outcomes[0].transactions).to.have.length(2);
    expect(nodes.map((node) => node.gpu)).to.deep.equal(["RTX 2080 Ti", "RTX 2080 Ti", "V100"]);
    expect((await registry.node(nodes[2].nodeId ?? 0n)).payout).to.equal(world.actors.stranger.address);
    expect((await json(world, "node register", ["--inventory", file])).outcomes).to.deep.equal([]);
    expect(await sentBy(world)).to.equal(before + 2);
  });

  it("writes the first batch of a Safe, which must be named", async () => {
    const world = await loadFixture(deployed);
    const file = path.join(temporaryFolder(), "batch.json");
    const args = ["--gpu", "V100", "--uri", "ipfs://safe", "--safe", file];
    expect(await messageOf(run(world, "node register", args))).to.contain("--owner is missing");
    const safe = world.actors.operations.address;
    const { nodes, outcomes } = await json(world, "node register", [...args, "--owner", safe]);
    expect(outcomes).to.deep.equal([{ kind: "batch", file }]);
    expect(nodes[0].nodeId).to.equal(null);
    const { transactions } = JSON.parse(readFileSync(file, "utf8")) as { transactions: { data: string }[] };
    const data = world.contracts.registry.interface.encodeFunctionData("registerNode", [
      ...[gpuModelOf("V100"), 1n, safe, "ipfs://safe"],
    ] as never);
    expect(transactions.map((each) => each.data)).to.deep.equal([data]);
  });

  it("refuses what an inventory may not have, and names the place", async () => {
    const world = await loadFixture(deployed);
    const inventory = inventoryOf(world);
    for (const [change, message] of [
      [{ nodes: [] }, "nodes: "],
      [{ nodes: [inventory.nodes[0], inventory.nodes[0]] }, "nodes.1.uri: is that of nodes.0 too"],
      [{ nodes: [{ ...inventory.nodes[0], log: "a.log" }] }, "nodes.0: must have one of gpu and log"],
      [{ nodes: [{ ...inventory.nodes[0], count: 1_025 }] }, "nodes.0.count: "],
      [{ offers: [{ asset: "0x12", price: "1", capacity: "1" }] }, "offers.0.asset: must be an address"],
      [{ offers: [{ asset: world.usd, price: "1,5", capacity: "1" }] }, "offers.0.price: must be a decimal number"],
    ] as const) {
      const file = fileOf("fleet.json5", JSON.stringify({ ...inventory, ...change }));
      const error = await thrownBy(run(world, "node register", ["--inventory", file]));
      expect(error).to.be.instanceOf(ConfigError);
      expect((error as Error).message).to.contain(message);
    }
  });

  it("refuses to guess", async () => {
    const world = await loadFixture(deployed);
    expect(await thrownBy(run(world, "node register", ["--gpu", "V100"]))).to.be.instanceOf(UsageError);
    expect(await thrownBy(run(world, "node register", ["--uri", "ipfs://a"]))).to.be.instanceOf(UsageError);
    const args = ["--gpu", "RTX 9090", "--uri", "ipfs://a"];
    expect(await messageOf(run(world, "node register", args))).to.contain(
      "RTX 9090 of ipfs://a has no rating that counts",
    );
  });
});

describe("turingfog node list", () => {
  /** A node of the owner's. */
  async function registered() {
    const world = await loadFixture(deployed);
    const { nodes } = await json(world, "node register", ["--gpu", "RTX 2080 Ti", "--count", "2", "--uri", "ipfs://a"]);
    return { ...world, nodeId: BigInt(nodes[0].nodeId ?? 0) };
  }

  it("sets a price for a TU or for an hour of a GPU, and shows both", async () => {
    const world = await registered();
    const { registry } = world.contracts;
    const common = ["--node", String(world.nodeId), "--asset", world.usd];
    const printed = await run(world, "node list", [...common, "--price", "0.4", "--capacity", "100"]);
    // 0.4 USD for 1 TU, 1.35 TU a day: 0.0225 USD an hour
    expect(printed).to.match(new RegExp(`${world.nodeId} +0\\.4 USD +0\\.0225 USD +100\\.0 TU +no offer`));
    expect(await registry.listing(world.nodeId, world.usd)).to.deep.equal([400_000n, 100n * TU]);
    await run(world, "node list", [...common, "--price", "0.05", "--per-gpu-hour", "--capacity", "1.5"]);
    const unitPrice = unitPriceOf(50_000n, GENESIS_RATINGS["RTX 2080 Ti"]);
    expect(await registry.listing(world.nodeId, world.usd)).to.deep.equal([unitPrice, (3n * TU) / 2n]);
    const tft = [
      "--node",
      String(world.nodeId),
      "--asset",
      "TFT",
      "--price",
      "1.5",
      "--per-gpu-hour",
      "--capacity",
      "1",
    ];
    expect(await run(world, "node list", tft)).to.match(/ 26\.666667 TFT +1\.5 TFT +1\.0 TU/);
    await run(world, "node list", [...common, "--price", "0"]);
    expect(await registry.listing(world.nodeId, world.usd)).to.deep.equal([0n, 0n]);
  });

  it("lists what an inventory has and the chain has not", async () => {
    const world = await loadFixture(deployed);
    const { registry } = world.contracts;
    const file = fileOf("fleet.json5", JSON.stringify(inventoryOf(world)));
    expect(await messageOf(run(world, "node list", ["--inventory", file]))).to.contain(
      `https://a.example/v1/document is no node of ${world.owner.address}: register it`,
    );
    const { nodes } = await json(world, "node register", ["--inventory", file]);
    const [a, b, c] = nodes.map(({ nodeId }) => BigInt(nodeId ?? 0));
    await registry.connect(world.owner).setListing(b, world.usd, 400_000n, 100n * TU);
    const before = await sentBy(world);
    expect(await run(world, "node list", ["--inventory", file, "--dry-run"])).to.contain(
      "1 of 5 are listed so already, 4 are to be",
    );
    expect(await sentBy(world)).to.equal(before);
    await run(world, "node list", ["--inventory", file]);
    expect(await sentBy(world)).to.equal(before + 4);
    const hourly = unitPriceOf(parseUnits("1.5", 18), GENESIS_RATINGS["RTX 2080 Ti"]);
    expect(await registry.listing(a, world.tft)).to.deep.equal([hourly, (41n * TU) / 2n]);
    expect(await registry.listing(c, world.usd)).to.deep.equal([500_000n, 7n * TU]);
    expect(await registry.listing(c, world.tft)).to.deep.equal([0n, 0n]);
    expect(await run(world, "node list", ["--inventory", file])).to.contain("Nothing was to be listed");
  });

  it("refuses another's node, and an offer that is not whole", async () => {
    const world = await registered();
    const common = ["--node", String(world.nodeId), "--asset", world.usd];
    const whole = [...common, "--price", "1", "--capacity", "1"];
    expect(await messageOf(run(world, "node list", whole, world.actors.stranger))).to.equal(
      `Node ${world.nodeId} is owned by ${world.owner.address}, not by ${world.actors.stranger.address}`,
    );
    expect(await messageOf(run(world, "node list", [...common, "--price", "1"]))).to.contain("--capacity is missing");
    expect(await messageOf(run(world, "node list", common))).to.contain("--price is missing");
    expect(await messageOf(run(world, "node list", [...common, "--price", "0.1234567", "--capacity", "1"]))).to.contain(
      "--price is 0.1234567, must be USD as 2.5, with 6 decimals at most",
    );
    const unlisted = ["--node", String(world.nodeId), "--asset", await newToken(), "--price", "1", "--capacity", "1"];
    expect(await messageOf(run(world, "node list", unlisted))).to.contain("Registry_AssetNotListed");
  });
});

async function newToken(): Promise<string> {
  return (await ethers.deployContract("TestToken", ["Unlisted", "NONE", 6])).getAddress();
}
