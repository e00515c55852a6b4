import { writeFileSync } from "node:fs";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { turingfog } from "@turingfog/cli";
import { HOUR, TU } from "@turingfog/sdk";
import {
  encodeReceiptFile,
  InvalidReceiptFileError,
  receiptDataHash,
  ReceiptFileTooLargeError,
  ReceiptTree,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id } from "ethers";

import { addressBookOf } from "../../../test/helpers/commands";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { openOrder, passVetoWindow, registerNode, submitReceipts } from "../../../test/helpers/market";
import { CommandProcess } from "../../../test/helpers/otherChain";
import { fileOf, thrownBy } from "../../../test/helpers/tuLogs";

/** A root of two receipts that was submitted, and its file. */
async function submitted() {
  const protocol = await deployProtocolFixture();
  const { contracts, actors } = protocol;
  const nodeId = await registerNode(protocol, actors.miners[0]);
  const orders = [];
  for (let i = 0; i < 2; ++i) {
    orders.push(await openOrder(protocol, actors.renters[0], contracts.usd, { maxUnitPrice: 1_000_000n }));
  }
  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const receipts = orders.map((orderId) => ({ orderId, nodeId, cumulativeTU: TU / 4n, measuredAt }));
  const tree = await submitReceipts(protocol, receipts);
  const bytes = encodeReceiptFile(receipts.map((receipt) => ({ ...receipt, meterLogHash: id("meter log") })));
  const other = encodeReceiptFile(receipts.map((receipt) => ({ ...receipt, meterLogHash: id("another") })));
  return { protocol, tree, bytes, other, receipts, books: await addressBookOf(protocol) };
}

/** Runs the command, and returns its exit code and what it has printed. */
async function verify(args: string[]): Promise<{ code: number; printed: string }> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    const code = await turingfog(["receipts", "verify", ...args]);
    return { code, printed: lines.join("\n") };
  } finally {
    console.log = log;
  }
}

describe("turingfog receipts verify", () => {
  it("says what a file holds, without a chain", async () => {
    const { bytes, tree } = await loadFixture(submitted);
    const { code, printed } = await verify([fileOf("receipts.json", bytes), "--json"]);
    expect(code).to.equal(0);
    expect(JSON.parse(printed)).to.deep.include({
      ...{ receipts: 2, orders: 2, nodes: 1, tu: String(TU / 2n), receiptsRoot: tree.root },
      ...{ dataHash: await receiptDataHash(bytes), chain: null },
    });
  });

  it("finds its root pending at first, final after the veto window, and nothing else to be right", async () => {
    const { protocol, bytes, other, receipts, books } = await loadFixture(submitted);
    const file = fileOf("receipts.json", bytes);
    const onChain = ["--network", "hardhat", "--deployments", books];
    expect((await verify([file, ...onChain])).printed).to.contain("has it with this file: pending, final at 20");
    await passVetoWindow(protocol);
    const final = await verify([file, ...onChain]);
    expect(final.code).to.equal(0);
    expect(final.printed).to.contain("has it with this file: final since 20").and.contain("0.5 TU in all");

    writeFileSync(file, other);
    const differs = await verify([file, ...onChain]);
    expect(differs.code).to.equal(1);
    expect(differs.printed).to.contain(`has the root with a file whose SHA-256 is ${await receiptDataHash(bytes)}`);

    const one = encodeReceiptFile([{ ...receipts[0], meterLogHash: id("meter log") }]);
    const unknown = await verify([fileOf("one.json", one), ...onChain, "--json"]);
    expect(unknown.code).to.equal(1);
    const { root } = await ReceiptTree.of([receipts[0]]);
    expect(JSON.parse(unknown.printed)).to.deep.include({
      ...{ receiptsRoot: root, chain: { status: "Unknown", finalAt: "0", dataHash: null } },
    });
  });

  it("ends with 1 if the root was vetoed", async () => {
    const { protocol, bytes, tree, books } = await loadFixture(submitted);
    await protocol.contracts.oracle.connect(protocol.actors.guardian).veto(tree.root);
    const { code, printed } = await verify([fileOf("a.json", bytes), "--network", "hardhat", "--deployments", books]);
    expect(code).to.equal(1);
    expect(printed).to.contain("vetoed: nothing is paid by it");
  });

  it("refuses a file that is not in canonical form, or too large", async () => {
    const { bytes, receipts } = await loadFixture(submitted);
    const spaced = Buffer.concat([bytes, Buffer.from("\n")]);
    expect(await thrownBy(verify([fileOf("a.json", spaced)]))).to.be.instanceOf(InvalidReceiptFileError);
    const many = Array.from({ length: 6_000 }, (_, i) => ({
      ...receipts[0],
      orderId: BigInt(i + 1),
      meterLogHash: id("log"),
    }));
    const error = await thrownBy(verify([fileOf("b.json", encodeReceiptFile(many)), "--max-mib", "1"]));
    expect(error).to.be.instanceOf(ReceiptFileTooLargeError);
    // in a process of its own, where an error that nobody catches would show
    const { code, stderr } = await CommandProcess.start("receipts verify", ["/nowhere.json"]).outcome;
    expect({ code, lines: stderr.trim().split("\n").length }).to.deep.equal({ code: 1, lines: 1 });
    expect(stderr).to.contain("/nowhere.json");
  });
});
