import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { id, parseUnits } from "ethers";
import { network } from "hardhat";

import { earnedBy } from "../../src/protocol";
import { imagesPerSecondE3Of } from "../../src/tu/measurements";
import { gpuModelOf, ratePerDay, ratingOf } from "../../src/tu/rating";
import { readMeasurements } from "../../src/tu/read";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { DAY, HOUR, openOrder, TU } from "../helpers/market";
import { attainable, deliver, startOf } from "../helpers/orders";
import { editedLog, EXAMPLE_100, fileOf, printedBy, temporaryFolder, thrownBy } from "../helpers/tuLogs";

const MODEL = gpuModelOf("Example 100");
const LOG = path.join(EXAMPLE_100, "resnet50.log");
const UNIT_PRICE = parseUnits("2", 6);

/** Writes the address book that a deployment would have written. */
async function addressBookOf({ contracts: { oracle, registry } }: Protocol, chainId = 31_337): Promise<string> {
  const addresses = { oracle: await oracle.getAddress(), registry: await registry.getAddress() };
  return fileOf("book.json", JSON.stringify({ network: network.name, chainId, addresses, transactions: {} }));
}

/** "2027-01-01T00:00:00Z" */
function utc(timestamp: bigint): string {
  return new Date(Number(timestamp) * 1_000).toISOString().replace(".000", "");
}

async function messageOf(call: Promise<unknown>): Promise<string> {
  return ((await thrownBy(call)) as Error).message;
}

describe("from a benchmark log to a limit on an order", () => {
  it("attests a rating and a node, and pays the node no more than its rated speed", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { registry, escrow, usd, pool } = contracts;
    const [miner] = actors.miners;
    const addresses = await addressBookOf(protocol);
    const out = temporaryFolder();
    const [measurements] = await readMeasurements(EXAMPLE_100);
    const rating = ratingOf(imagesPerSecondE3Of(measurements));

    // three signers, each on his own, then anyone with their files
    for (const { address } of actors.oracleSigners.slice(1)) {
      await printedBy("tu:attest", { path: EXAMPLE_100, addresses, out, signOnly: true, account: address });
    }
    expect(await registry.ratingOf(MODEL)).to.equal(0n);
    const signatures = readdirSync(out)
      .filter((name) => name.endsWith(".signature.json"))
      .map((name) => path.join(out, name));
    expect(signatures).to.have.length(3);
    const printed = await printedBy("tu:attest", { path: EXAMPLE_100, addresses, out, signatures });
    expect(printed).to.contain(`Rating of Example 100: ${rating} base units of TU per day`);
    expect(printed).to.match(/^Attested by .* in 0x[0-9a-f]{64}; the registry says the same$/m);
    expect(await registry.ratingOf(MODEL)).to.equal(rating);

    const file = readFileSync(path.join(out, "Example-100.measurements.json"));
    const hash = createHash("sha256").update(file).digest("hex");
    expect(readFileSync(path.join(out, "Example-100.measurements.json.sha256"), "utf8")).to.equal(
      `${hash}  Example-100.measurements.json\n`,
    );
    const [rated] = await registry.queryFilter(registry.filters.ModelRated(MODEL));
    expect(rated.args.evidence).to.equal(`0x${hash}`);

    // a node of two such GPUs, attested by its own log
    const owned = registry.connect(miner);
    const registration = [MODEL, 2n, miner.address, "ipfs://node"] as const;
    const nodeId = await owned.registerNode.staticCall(...registration);
    await owned.registerNode(...registration);
    await owned.setListing(nodeId, usd, UNIT_PRICE, 1_000n * TU);
    const validUntil = BigInt(await time.latest()) + 30n * DAY;
    const node = { path: LOG, addresses, out, node: nodeId, validUntil: utc(validUntil), localSigners: true };
    expect(await printedBy("tu:attest", node)).to.contain(`Node ${nodeId} with Example 100 until ${validUntil}`);
    expect((await registry.node(nodeId)).attestedUntil).to.equal(validUntil);
    const [attested] = await registry.queryFilter(registry.filters.NodeAttested(nodeId));
    expect(attested.args.evidence).to.equal(`0x${createHash("sha256").update(readFileSync(LOG)).digest("hex")}`);

    // whatever a receipt claims, six hours earn 1.1 times what the rating gives in them
    const terms = { nodeId, tuAmount: 100n * TU, maxUnitPrice: UNIT_PRICE, duration: DAY };
    const orderId = await openOrder(protocol, actors.renters[0], usd, terms);
    const startedAt = await startOf(protocol, orderId);
    await time.increaseTo(startedAt + 6n * HOUR);
    const measuredAt = startedAt + 6n * HOUR;
    await deliver(protocol, usd, [{ orderId, nodeId, cumulativeTU: 100n * TU, measuredAt }]);

    const cap = attainable(ratePerDay(rating, 2n), 6n * HOUR);
    expect(cap).to.be.below(2n * TU);
    const { tuSettled, earned } = await escrow.order(orderId);
    expect(tuSettled).to.equal(cap);
    expect(earned).to.equal(earnedBy(cap, UNIT_PRICE));
    const [settled] = await escrow.queryFilter(escrow.filters.ReceiptSettled(orderId));
    expect(settled.args.earned).to.equal(earned);
    const [added] = await pool.queryFilter(pool.filters.WeightAdded());
    expect(await pool.weightOf(added.args.bucketId, miner)).to.equal(earned);
  });

  describe("tu:attest", () => {
    it("refuses measurements of fewer than seven networks, and writes nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const out = temporaryFolder();
      const args = { path: LOG, addresses: await addressBookOf(protocol), out, localSigners: true };
      expect(await messageOf(printedBy("tu:attest", args))).to.equal(
        "Example 100 was not measured on ResNet-152, Inception v3, Inception v4, VGG-16, AlexNet, SSD300",
      );
      expect(readdirSync(out)).to.deep.equal([]);
    });

    it("refuses another precision than a TU's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const args = { path: EXAMPLE_100, addresses: await addressBookOf(protocol), precision: "fp16" };
      expect(await messageOf(printedBy("tu:attest", args))).to.contain("The precision is fp16");
    });

    it("refuses an address book of another chain", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const args = { path: EXAMPLE_100, addresses: await addressBookOf(protocol, 1) };
      expect(await messageOf(printedBy("tu:attest", args))).to.match(
        /book\.json is of chain 1, hardhat is chain 31337$/,
      );
    });

    it("refuses to sign for who is no signer", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { stranger } = protocol.actors;
      const addresses = await addressBookOf(protocol);
      const args = { path: EXAMPLE_100, addresses, out: temporaryFolder(), signOnly: true, account: stranger.address };
      expect(await messageOf(printedBy("tu:attest", args))).to.contain(
        `${stranger.address} is none of the oracle's signers`,
      );
    });

    it("refuses to submit without a quorum's signatures", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const args = { path: EXAMPLE_100, addresses: await addressBookOf(protocol), out: temporaryFolder() };
      expect(await messageOf(printedBy("tu:attest", args))).to.contain("0 valid signatures, 3 needed");
    });

    for (const [title, validUntil] of [
      ["no time", undefined],
      ["a time that is none", "2027-13-01T00:00:00Z"],
      ["a time in another form", "1800000000"],
    ] as const) {
      it(`refuses to attest a node until ${title}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const args = { path: LOG, addresses: await addressBookOf(protocol), node: 1n, validUntil };
        expect(await messageOf(printedBy("tu:attest", args))).to.equal(
          `--valid-until is ${validUntil ?? "missing"}, must be a time in UTC, as 2027-01-01T00:00:00Z`,
        );
      });
    }

    it("refuses to attest a node by a log that was cut off", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const log = fileOf("a.log", editedLog([/total images.*\n/, ""]));
      const args = {
        path: log,
        addresses: await addressBookOf(protocol),
        node: 1n,
        validUntil: "2027-01-01T00:00:00Z",
      };
      expect(await messageOf(printedBy("tu:attest", args))).to.contain("the run of resnet50 has no total");
    });

    it("attests one GPU of a table", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const networks = ["ResNet-50", "ResNet-152", "Inception v3", "Inception v4", "VGG-16", "AlexNet", "SSD300"];
      const reference = [209, 81, 136, 58, 134, 2762, 108];
      const rows = networks.map((name, i) => `${name},${reference[i]},${3 * reference[i]}`);
      const table = fileOf("a.csv", ["network,Example 1,Example 3", ...rows].join("\n"));
      const args = { path: table, gpu: "Example 3", addresses: await addressBookOf(protocol), localSigners: true };
      await printedBy("tu:attest", args);
      expect(await registry.ratingOf(id("Example 3"))).to.equal(3n * TU);
      expect(await registry.ratingOf(id("Example 1"))).to.equal(0n);
      expect(readdirSync(path.dirname(table))).to.include("Example-3.measurements.json");
    });
  });
});
