import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { turingfog } from "@turingfog/cli";
import { formatInstant, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";

import { addressBookOf } from "../../../test/helpers/commands";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { passVetoWindow, submitReceipts } from "../../../test/helpers/market";
import { openJob, receiptOf } from "../../../test/helpers/settling";
import { FileServer } from "../../network/test/helpers/fileServer";

/** A root that is final, and three that are pending: one is right, one has more than was ordered, of one there is no file. */
async function submitted() {
  const protocol = await deployProtocolFixture();
  const job = await openJob(protocol);
  await time.increase(HOUR);
  await submitReceipts(protocol, [receiptOf(job, TU / 8n)]);
  await passVetoWindow(protocol);
  const files = [TU / 4n, 2n * TU, TU / 2n].map((tu) => [receiptOf(job, tu)]);
  const roots = [];
  for (const receipts of files) roots.push((await submitReceipts(protocol, receipts)).root);
  return { protocol, files, roots, books: await addressBookOf(protocol) };
}

/** Runs `turingfog guard roots` at a signer that has some files. */
async function listed(files: Awaited<ReturnType<typeof submitted>>["files"], books: string, ...options: string[]) {
  const signer = await FileServer.open();
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    for (const receipts of files) await signer.publish(receipts);
    const args = ["--network", "hardhat", "--deployments", books, "--signer", signer.endpoint, ...options];
    const code = await turingfog(["guard", "roots", ...args]);
    return { code, printed: lines.join("\n") };
  } finally {
    console.log = log;
    await signer.close();
  }
}

describe("turingfog guard roots", () => {
  it("lists each pending root with what its file shows, and how to veto what is not right", async () => {
    const { protocol, files, roots, books } = await loadFixture(submitted);
    const { code, printed } = await listed(files.slice(0, 2), books);
    expect(code).to.equal(1);
    const [right, wrong, missing, end] = printed.split("\n\n");
    const [, finalAt] = await protocol.contracts.oracle.status(roots[0]);
    expect(right)
      .to.contain(`root       ${roots[0]}`)
      .and.contain(`final      ${formatInstant(finalAt)}, in `);
    expect(right)
      .to.contain("file       1 receipts of 1 orders on 1 nodes, 0.25 TU")
      .and.match(/check +right$/);
    expect(wrong)
      .to.contain(roots[1])
      .and.match(/check +over-order, 1 times: order \d+ has 2\.0 of 1\.0 TU/);
    expect(wrong).to.match(new RegExp(`next +turingfog guard veto --root ${roots[1]} --network hardhat$`));
    expect(missing)
      .to.match(/file +not found: 127\.0\.0\.1:\d+ answers 404/)
      .and.match(/check +none, without the file/);
    expect(missing).to.contain(`turingfog guard veto --root ${roots[2]}`);
    expect(end).to.match(/^3 pending as of block \d+, /);
  });

  it("prints the same for programs", async () => {
    const { files, roots, books } = await loadFixture(submitted);
    const { printed } = await listed(files.slice(0, 2), books, "--json");
    const told = JSON.parse(printed) as {
      now: string;
      roots: { root: { receiptsRoot: string }; counts?: { tu: string }; findings: { name: string }[]; next: string }[];
    };
    expect(told.roots.map(({ root }) => root.receiptsRoot)).to.deep.equal(roots);
    expect(told.roots.map(({ counts }) => counts?.tu)).to.deep.equal([String(TU / 4n), String(2n * TU), undefined]);
    expect(told.roots.map(({ findings }) => findings.map(({ name }) => name).join())).to.deep.equal([
      ...["", "over-order", ""],
    ]);
    expect(told.roots[0].next).to.equal(null);
    expect(told.now).to.equal(String(await time.latest()));
  });

  it("ends with 0 if none is pending", async () => {
    const { protocol, files, books } = await loadFixture(submitted);
    await passVetoWindow(protocol);
    const { code, printed } = await listed(files, books);
    expect(code).to.equal(0);
    expect(printed).to.match(/^No root is pending as of block \d+, .* later ones are not listed$/);
  });
});
