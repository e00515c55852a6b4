import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { formatInstant, TU } from "@turingfog/sdk";
import { readDomain } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT } from "@turingfog/sdk/wire";
import { UsageError } from "@turingfog/cli";
import { expect } from "chai";
import { formatEther, getAddress, id, parseUnits, toQuantity } from "ethers";
import { ethers, network } from "hardhat";

import { addressBookOf, printedFor } from "../../../test/helpers/commands";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import {
  openOrder,
  passVetoWindow,
  registerNodes,
  registerUnattested,
  startEpoch,
  submitAttestation,
} from "../../../test/helpers/market";
import { attestRating, multipleOfReference } from "../../../test/helpers/nodes";
import { thrownBy } from "../../../test/helpers/tuLogs";

const PRICE = parseUnits("30", 18);

/** A round of TFT that the first miner can claim, earned by an acknowledgement on an order that is still open. */
async function earned() {
  const protocol = await deployProtocolFixture();
  const { contracts, actors } = protocol;
  const { registry, escrow, tft, controller, pool } = contracts;
  const [miner] = actors.miners;
  const [nodeId] = await registerNodes(protocol, [miner], { gpuModel: "V100", gpuCount: 2n });
  await registry.connect(miner).setListing(nodeId, tft, PRICE, 100n * TU);
  await startEpoch(protocol);
  const renter = actors.renters[0];
  const orderId = await openOrder(protocol, renter, tft, { nodeId, maxUnitPrice: PRICE, duration: 30n * 24n * 3_600n });
  const domain = await readDomain(escrow);
  const word = await ACKNOWLEDGEMENT.sign(renter, domain, { orderId, cumulativeTU: TU / 2n });
  const round = await pool.openRound(tft);
  await escrow.settleAcknowledged(tft, [word]);
  await startEpoch(protocol);
  await controller.burn(round);
  const id = await pool.bucketId(round, tft);
  const reward = await pool.claimable(miner.address, [id]);
  return { protocol, miner, nodeId, orderId, round, id, reward, books: await addressBookOf(protocol) };
}

type Earned = Awaited<ReturnType<typeof earned>>;

/** Runs a command on the deployment, with an account's key or that of the first. */
const run = ({ books }: Earned, command: string, args: string[], account?: { address: string }) =>
  printedFor(account, command, [...args, "--network", "hardhat", "--deployments", books]);

async function misuse(call: Promise<unknown>): Promise<string> {
  const error = await thrownBy(call);
  expect(error).to.be.instanceOf(UsageError);
  return (error as Error).message;
}

describe("turingfog claimable", () => {
  it("shows what an account has earned, from where, and can claim now", async () => {
    const world = await loadFixture(earned);
    const { miner, orderId, round, reward } = world;
    const printed = await run(world, "claimable", ["--account", miner.address, "--settlements"]);
    expect(printed).to.contain(`  ${round}      TFT    `).and.contain("15.0 TFT");
    expect(printed).to.contain(`Round ${round}: orders ${orderId}, by acknowledgement, 0x`);
    expect(printed).to.match(
      new RegExp(`${miner.address} can claim [\\d,]+\\.\\d{6} TFT now, and has claimed 0.000000 TFT`),
    );
    const json = JSON.parse(await run(world, "claimable", ["--json"], miner)) as Record<string, unknown>;
    expect(json).to.include({
      account: miner.address,
      recipient: miner.address,
      claimable: String(reward),
      claimed: "0",
    });
  });

  it("says of an account that has earned nothing that there is nothing", async () => {
    const world = await loadFixture(earned);
    const { stranger } = world.protocol.actors;
    expect(await run(world, "claimable", [], stranger)).to.match(
      /has nothing that waits to be claimed\n.*0\.000000 TFT now/,
    );
  });

  it("refuses an account that is none", async () => {
    const world = await loadFixture(earned);
    expect(await misuse(run(world, "claimable", ["--account", "0x12"]))).to.contain(
      "--account is 0x12, must be an address",
    );
  });
});

describe("turingfog node earnings", () => {
  it("shows each order of a node, and what became of its earnings", async () => {
    const world = await loadFixture(earned);
    const { nodeId, orderId, miner } = world;
    const printed = await run(world, "node earnings", ["--node", String(nodeId)]);
    expect(printed).to.match(
      new RegExp(`  ${orderId} +${nodeId} +1\\.0 TU +0\\.5 TU +15\\.0 TFT +15\\.0 TFT +open until 20`),
    );
    expect(printed).to.contain(`${miner.address} can claim `);
    const json = JSON.parse(await run(world, "node earnings", ["--json"], miner)) as { nodes: { nodeId: string }[] };
    expect(json.nodes).to.deep.equal([{ nodeId: String(nodeId), payout: miner.address }]);
  });

  it("refuses a node that there is none of, and an account without one", async () => {
    const world = await loadFixture(earned);
    const { stranger } = world.protocol.actors;
    expect(await misuse(run(world, "node earnings", ["--node", "77"]))).to.equal(
      "--node is 77, and there is no such node",
    );
    const none = await thrownBy(run(world, "node earnings", [], stranger));
    expect((none as Error).message).to.contain(`${stranger.address} owns no node`);
  });
});

describe("turingfog node claim", () => {
  it("pays the payout account, or the recipient that it names, and the second time nothing", async () => {
    const world = await loadFixture(earned);
    const { miner, reward, protocol } = world;
    const { tft } = protocol.contracts;
    const { stranger } = protocol.actors;
    const before = await tft.balanceOf(stranger);
    const printed = await run(world, "node claim", ["--recipient", stranger.address], miner);
    expect(printed)
      .to.contain("Claim of 1 rounds")
      .and.match(/Sent: 0x[0-9a-f]{64}/);
    expect((await tft.balanceOf(stranger)) - before).to.equal(reward);
    expect(await run(world, "node claim", [], miner)).to.contain("can claim 0.000000 TFT now\nNothing was claimed");
  });

  it("claims for another account, and pays where that account has said", async () => {
    const world = await loadFixture(earned);
    const { miner, reward, protocol } = world;
    const { tft, pool } = protocol.contracts;
    const { stranger, operations } = protocol.actors;
    await pool.connect(miner).setRecipient(operations);
    const before = await tft.balanceOf(operations);
    const json = JSON.parse(await run(world, "node claim", ["--miner", miner.address, "--json"], stranger)) as {
      claims: { amount: string; recipient: string }[];
    };
    expect(json.claims[0]).to.include({ amount: String(reward), recipient: operations.address });
    expect((await tft.balanceOf(operations)) - before).to.equal(reward);
  });

  it("sends nothing below the least, and nothing in a dry run", async () => {
    const world = await loadFixture(earned);
    const { miner, reward, protocol, id } = world;
    const least = formatEther(reward + 1n);
    expect(await run(world, "node claim", ["--least", least], miner)).to.contain("TFT now, less than ");
    expect(await run(world, "node claim", ["--dry-run"], miner)).to.match(/Nothing sent\. It would take [\d,]+ gas/);
    expect(await protocol.contracts.pool.claimable(miner.address, [id])).to.equal(reward);
  });

  it("refuses a recipient that is not the key's to name", async () => {
    const world = await loadFixture(earned);
    const { miner, protocol } = world;
    const { stranger } = protocol.actors;
    const args = ["--miner", miner.address, "--recipient", stranger.address];
    expect(await misuse(run(world, "node claim", args, stranger))).to.contain(
      `--recipient is for ${miner.address} to say`,
    );
  });

  it("claims again and again until it is told to end, and nothing twice", async () => {
    const world = await loadFixture(earned);
    const { miner, protocol, id } = world;
    const { pool } = protocol.contracts;
    const running = run(world, "node claim", ["--every", "1", "--json"], miner);
    while ((await pool.claimable(miner.address, [id])) > 0n) await new Promise((resolve) => setImmediate(resolve));
    process.emit("SIGTERM");
    const { claims } = JSON.parse(await running) as { claims: { rounds: string[] }[] };
    expect(claims.map(({ rounds }) => rounds)).to.deep.equal([[String(world.round)]]);
  });

  /**
   * Has `node claim --every` send a claim whose fee has become too low, and runs a test with it. Its clock stands still but for
   * what the test adds.
   */
  async function withStuckClaim(
    test: (
      world: Earned,
      claim: { pass: (ms: number) => void; hears: (text: string) => Promise<void> },
    ) => Promise<void>,
  ): Promise<{ claims: unknown[]; world: Earned; nonces: number }> {
    const world = await loadFixture(earned);
    const { miner } = world;
    const before = await ethers.provider.getTransactionCount(miner);
    const lines: string[] = [];
    const { error } = console;
    console.error = (line: string) => lines.push(line);
    let now = performance.now();
    performance.now = () => now;
    await network.provider.send("evm_setAutomine", [false]);
    try {
      const running = run(world, "node claim", ["--every", "1", "--json"], miner);
      while ((await pendingHashes()).length === 0) await turnOfEvents();
      await raiseFee();
      const hears = async (text: string) => {
        while (!lines.some((line) => line.includes(text))) await turnOfEvents();
        lines.length = 0;
      };
      await test(world, { pass: (ms) => void (now += ms), hears });
      process.emit("SIGTERM");
      const { claims } = JSON.parse(await running) as { claims: unknown[] };
      return { claims, world, nonces: (await ethers.provider.getTransactionCount(miner)) - before };
    } finally {
      Reflect.deleteProperty(performance, "now");
      console.error = error;
      await network.provider.send("evm_setAutomine", [true]);
    }
  }

  const turnOfEvents = () => new Promise((resolve) => setImmediate(resolve));
  const pendingHashes = async () =>
    ((await network.provider.send("eth_pendingTransactions")) as { hash: string }[]).map(({ hash }) => hash);

  /** Mines a block whose fee is ten times what the waiting transaction pays at most. */
  async function raiseFee(): Promise<void> {
    const [{ maxFeePerGas }] = (await network.provider.send("eth_pendingTransactions")) as { maxFeePerGas: string }[];
    await network.provider.send("hardhat_setNextBlockBaseFeePerGas", [toQuantity(BigInt(maxFeePerGas) * 10n)]);
    await network.provider.send("evm_mine");
  }

  it("sends a claim whose fee became too low again in its own place", async () => {
    const { claims, world, nonces } = await withStuckClaim(async (_, { pass, hears }) => {
      const [stuck] = await pendingHashes();
      pass(6_000);
      await hears("Not claimed, and tried again in 1 s: The network asks ");
      await hears("Claim of 1 rounds");
      while ((await pendingHashes()).includes(stuck)) pass(10);
      expect(await pendingHashes()).to.have.length(1);
      await network.provider.send("evm_mine");
      await hears("Sent: ");
    });
    expect([claims.length, nonces]).to.deep.equal([1, 1]);
    expect(await world.protocol.contracts.pool.claimable(world.miner.address, [world.id])).to.equal(0n);
  });

  it("puts an empty transaction in the place of a claim that others have made", async () => {
    const { claims, nonces } = await withStuckClaim(async ({ protocol, miner, id: bucket }, { hears }) => {
      const [stuck] = await pendingHashes();
      await protocol.contracts.pool.connect(protocol.actors.stranger).claimFor(miner, [bucket]);
      await network.provider.send("evm_mine");
      await hears("Nothing sent: it was done already");
      while ((await pendingHashes()).includes(stuck)) await turnOfEvents();
      const [empty] = (await network.provider.send("eth_pendingTransactions")) as { to: string; input: string }[];
      expect([getAddress(empty.to), empty.input]).to.deep.equal([miner.address, "0x"]);
      await network.provider.send("evm_mine");
    });
    expect([claims, nonces]).to.deep.equal([[], 1]);
  });

  it("refuses to go on and on with a batch or a dry run", async () => {
    const world = await loadFixture(earned);
    expect(await misuse(run(world, "node claim", ["--every", "60", "--dry-run"]))).to.equal(
      "--every sends: it takes neither --safe nor --dry-run",
    );
  });
});

describe("turingfog market", () => {
  it("shows prices of a TU and of a GPU hour, what is free, and what was delivered", async () => {
    const world = await loadFixture(earned);
    const printed = await run(world, "market", []);
    // 30 TFT for 1 TU, 1.85 TU a day: 2.3125 TFT for an hour of one V100
    expect(printed).to.match(
      new RegExp(`${world.nodeId} +2 × V100 +3\\.70 +30\\.0 TFT +2\\.3125 TFT +99\\.00 +until 20.* 0 closed, 1 open`),
    );
    expect(printed).to.contain("1 of 1 offers of 1 nodes, as of block ");
  });

  it("filters and sorts", async () => {
    const world = await loadFixture(earned);
    const { contracts, actors } = world.protocol;
    const [, second] = actors.miners;
    const [other] = await registerNodes(world.protocol, [second], { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
    await contracts.registry.connect(second).setListing(other, contracts.tft, PRICE / 2n, TU);
    await contracts.registry.connect(second).setListing(other, contracts.usd, 5n * 10n ** 5n, TU);
    const found = async (...args: string[]) => {
      const { offers } = JSON.parse(await run(world, "market", [...args, "--json"])) as {
        offers: { nodeId: string; symbol: string }[];
      };
      return offers.map(({ nodeId, symbol }) => `${nodeId === String(other) ? "other" : "first"} ${symbol}`);
    };
    expect(await found()).to.deep.equal(["other TFT", "first TFT", "other USD"]);
    expect(await found("--asset", "tft", "--sort", "rating")).to.deep.equal(["first TFT", "other TFT"]);
    expect(await found("--asset", "TFT", "--max-price", "15")).to.deep.equal(["other TFT"]);
    expect(await found("--asset", await contracts.usd.getAddress())).to.deep.equal(["other USD"]);
    expect(await found("--gpu", "GeForce GTX 1080 Ti", "--free", "1.5")).to.deep.equal([]);
    expect(await found("--gpu", "Tesla V100-SXM2-16GB")).to.deep.equal(["first TFT"]);
    await contracts.registry.connect(actors.guardian).revokeNode(other);
    expect(await found()).to.deep.equal(["first TFT"]);
    expect(await found("--all")).to.have.length(3);
  });

  it("names a model whose name is in no table by its hash, as unknown", async () => {
    const world = await loadFixture(earned);
    const { protocol } = world;
    const gpuModel = "RTX 9090";
    await attestRating(protocol, multipleOfReference(2n), id(gpuModel));
    await passVetoWindow(protocol);
    await registerUnattested(protocol, protocol.actors.miners[1], { gpuModel });
    const unknown = `1024 × unknown model ${id(gpuModel).slice(0, 10)}…`;
    expect(await run(world, "market", ["--all"]))
      .to.contain("2 × V100")
      .and.contain(unknown);
    expect(await run(world, "market", ["--all", "--gpu", gpuModel])).to.contain(`1024 × ${gpuModel}`);
  });

  it("says why no offer can be taken", async () => {
    const world = await loadFixture(earned);
    const { protocol, nodeId } = world;
    const { contracts, actors } = protocol;
    await contracts.registry.connect(actors.guardian).revokeNode(nodeId);
    expect(await run(world, "market", [])).to.match(
      /^No offer can be taken now: 1 of a node that is not attested; see --all\n0 of 1 offers of 1 nodes/,
    );
    const pending = await registerUnattested(protocol, actors.miners[1]);
    await contracts.registry.connect(actors.miners[1]).setListing(pending, contracts.usd, 1n, TU);
    await submitAttestation(protocol, pending);
    const { from } = await contracts.registry.pendingAttestation(pending);
    expect(await run(world, "market", ["--asset", "USD"])).to.contain(
      `No offer can be taken now: 1 of a node whose attestation counts from ${formatInstant(from)}; see --all\n`,
    );
  });

  it("says what it does not know", async () => {
    const world = await loadFixture(earned);
    expect(await misuse(run(world, "market", ["--asset", "WETH"]))).to.match(
      /^--asset is WETH, must be one of TFT \(0x/,
    );
    expect(await misuse(run(world, "market", ["--max-price", "1"]))).to.contain("--max-price needs --asset");
    expect(await misuse(run(world, "market", ["--free", "-1"]))).to.contain("--free is -1, must be TU as 2.5");
    const none = await thrownBy(run(world, "market", ["--gpu", "RTX 9090"]));
    expect((none as Error).message).to.equal("No node has a RTX 9090; there are V100");
  });
});
