import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  attainableTU,
  DAY,
  earnedBy,
  formatInstant,
  gpuModelOf,
  HOUR,
  imagesPerSecondE3Of,
  ratePerDay,
  ratingOf,
  TU,
} from "@turingfog/sdk";
import { readMeasurements } from "@turingfog/sdk/node";
import { expect } from "chai";
import { formatUnits, id, parseUnits } from "ethers";

import { addressBookOf, printedFor } from "../../../test/helpers/commands";
import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import { openOrder, passVetoWindow } from "../../../test/helpers/market";
import { deliver, startOf } from "../../../test/helpers/orders";
import { editedLog, EXAMPLE_100, fileOf, temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";

const MODEL = gpuModelOf("Example 100");
const LOG = path.join(EXAMPLE_100, "resnet50.log");
const UNIT_PRICE = parseUnits("2", 6);

/** Runs `turingfog tu attest` on Hardhat's network in this process, with an account's key or that of the first. */
function attest(deployments: string, args: string[], account?: HardhatEthersSigner): Promise<string> {
  return printedFor(account, "tu attest", [...args, "--network", "hardhat", "--deployments", deployments]);
}

/** Has a quorum's signers write signature files, each with their own key, and returns the files. */
async function signaturesOf(protocol: Protocol, deployments: string, args: string[]): Promise<string[]> {
  const out = temporaryFolder();
  for (const signer of protocol.actors.oracleSigners.slice(1)) {
    await attest(deployments, [...args, "--sign-only", "--out", out], signer);
  }
  return readdirSync(out)
    .filter((name) => name.endsWith(".signature.json"))
    .map((name) => path.join(out, name));
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

    // three signers, each on their own, then anyone with their files
    const signatures = await signaturesOf(protocol, addresses, [EXAMPLE_100]);
    expect(await registry.ratingOf(MODEL)).to.equal(0n);
    expect(signatures).to.have.length(3);
    const printed = await attest(addresses, [EXAMPLE_100, ...signatures, "--out", out]);
    expect(printed).to.contain(`Rating of Example 100: ${rating} base units of TU per day`);
    expect(printed).to.contain(`  rating of Example 100, TU per day\n    - none\n    + ${formatUnits(rating, 18)}\n`);
    const ratedFrom = BigInt(await time.latest()) + protocol.params.vetoWindow;
    expect(printed).to.match(/^Attested by .* in 0x[0-9a-f]{64}; counts from .*$/m);
    expect(printed).to.contain(`; counts from ${formatInstant(ratedFrom)}`);
    await time.increaseTo(ratedFrom);
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
    const node = ["--node", String(nodeId), "--valid-until", formatInstant(validUntil)];
    const vouched = await signaturesOf(protocol, addresses, [LOG, ...node]);
    expect(await attest(addresses, [LOG, ...vouched, ...node])).to.contain(
      `Node ${nodeId} with Example 100 until ${formatInstant(validUntil)}`,
    );
    await passVetoWindow(protocol);
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

    const cap = attainableTU(ratePerDay(rating, 2n), 6n * HOUR);
    expect(cap).to.be.below(2n * TU);
    const { tuSettled, earned } = await escrow.order(orderId);
    expect(tuSettled).to.equal(cap);
    expect(earned).to.equal(earnedBy(cap, UNIT_PRICE));
    const [settled] = await escrow.queryFilter(escrow.filters.ReceiptSettled(orderId));
    expect(settled.args.earned).to.equal(earned);
    const [added] = await pool.queryFilter(pool.filters.WeightAdded());
    expect(await pool.weightOf(added.args.bucketId, miner)).to.equal(earned);
  });

  describe("tu attest", () => {
    it("refuses measurements of fewer than seven networks, and writes nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const out = temporaryFolder();
      const books = await addressBookOf(protocol);
      expect(await messageOf(attest(books, [LOG, "--out", out]))).to.equal(
        "Example 100 was not measured on ResNet-152, Inception v3, Inception v4, VGG-16, AlexNet, SSD300",
      );
      expect(readdirSync(out)).to.deep.equal([]);
    });

    it("refuses another precision than a TU's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const books = await addressBookOf(protocol);
      expect(await messageOf(attest(books, [EXAMPLE_100, "--precision", "fp16"]))).to.contain("The precision is fp16");
    });

    it("refuses an address book of another chain", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const books = await addressBookOf(protocol, 1);
      expect(await messageOf(attest(books, [EXAMPLE_100]))).to.contain(
        "The node is on chain 31337, the deployment on 1: ",
      );
    });

    it("refuses to sign for who is no signer", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { stranger } = protocol.actors;
      const addresses = await addressBookOf(protocol);
      const args = [EXAMPLE_100, "--out", temporaryFolder(), "--sign-only"];
      expect(await messageOf(attest(addresses, args, stranger))).to.contain(`got that of ${stranger.address}`);
    });

    it("refuses to submit without a quorum's signatures", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const books = await addressBookOf(protocol);
      expect(await messageOf(attest(books, [EXAMPLE_100, "--out", temporaryFolder()]))).to.contain(
        "0 valid signatures, 3 needed",
      );
    });

    for (const [title, validUntil] of [
      ["no time", undefined],
      ["a time that is none", "2027-13-01T00:00:00Z"],
      ["a time in another form", "1800000000"],
    ] as const) {
      it(`refuses to attest a node until ${title}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const until = validUntil === undefined ? [] : ["--valid-until", validUntil];
        expect(await messageOf(attest(await addressBookOf(protocol), [LOG, "--node", "1", ...until]))).to.equal(
          `--valid-until is ${validUntil ?? "missing"}, must be a time in UTC, as 2027-01-01T00:00:00Z`,
        );
      });
    }

    it("refuses to attest a node by a log that was cut off", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const log = fileOf("a.log", editedLog([/total images.*\n/, ""]));
      const args = [log, "--node", "1", "--valid-until", "2027-01-01T00:00:00Z"];
      expect(await messageOf(attest(await addressBookOf(protocol), args))).to.contain(
        "the run of resnet50 has no total",
      );
    });

    it("attests one GPU of a table", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const networks = ["ResNet-50", "ResNet-152", "Inception v3", "Inception v4", "VGG-16", "AlexNet", "SSD300"];
      const reference = [209, 81, 136, 58, 134, 2762, 108];
      const rows = networks.map((name, i) => `${name},${reference[i]},${3 * reference[i]}`);
      const table = fileOf("a.csv", ["network,Example 1,Example 3", ...rows].join("\n"));
      const books = await addressBookOf(protocol);
      const signatures = await signaturesOf(protocol, books, [table, "--gpu", "Example 3"]);
      await attest(books, [table, ...signatures, "--gpu", "Example 3"]);
      expect((await registry.pendingRating(id("Example 3"))).rating).to.equal(3n * TU);
      expect((await registry.pendingRating(id("Example 1"))).rating).to.equal(0n);
      expect(readdirSync(path.dirname(table))).to.include("Example-3.measurements.json");
    });
  });
});
