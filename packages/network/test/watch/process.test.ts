import { once } from "node:events";
import { spawn } from "node:child_process";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../../../../test/helpers/fixture";
import { passVetoWindow, submitReceipts } from "../../../../test/helpers/market";
import { TURINGFOG } from "../../../../test/helpers/otherChain";
import { openJob, receiptOf } from "../../../../test/helpers/settling";
import { WatchWorld } from "../helpers/watching";

const KILLER = path.join(__dirname, "../helpers/killer.js");

/** Where a watch stands when it is killed, in the order in which it comes there. */
const KILLED_AT = ["watch.root.before-store", "watch.root.stored", "watch.veto.before-send", "watch.veto.sent"];
const THEN_KILLED_AT = ["watch.alarm.before-send", "watch.alarm.done"];

async function withJob() {
  const protocol = await deployProtocolFixture();
  const job = await openJob(protocol);
  await time.increase(HOUR);
  return { protocol, job };
}

describe("turingfog watch run", () => {
  const made: { world?: WatchWorld } = {};
  const opened = async () => {
    const { protocol, job } = await loadFixture(withJob);
    made.world = await WatchWorld.open(protocol);
    return { world: made.world, protocol, job };
  };
  afterEach(async () => {
    await made.world?.close();
    made.world = undefined;
  });

  it("vetoes once, and tells each alarm once, though it is killed at every step", async () => {
    const { world, protocol, job } = await opened();
    const receipts = [receiptOf(job, TU + 1n)];
    await world.signer.publish(receipts);
    const { root } = await submitReceipts(protocol, receipts);
    const config = await world.init({ guardian: await world.guardian() });
    const sent = await ethers.provider.getTransactionCount(protocol.actors.guardian);
    for (const step of [...KILLED_AT, ...THEN_KILLED_AT]) {
      expect(await run(world, ["--config", config, "--veto"], step).ended, step).to.equal("SIGKILL");
    }
    const { child, ended } = run(world, ["--config", config, "--veto"]);
    await world.hears("vetoed");
    child.kill("SIGTERM");
    expect(await ended).to.equal(0);
    expect(await world.status(root)).to.equal("Vetoed");
    expect(await ethers.provider.getTransactionCount(protocol.actors.guardian)).to.equal(sent + 1);
    expect(world.alarms).to.have.members(["over-order", "vetoed"]);
  });

  it("tells a Safe's owners to sign, though it is killed when it has written what", async () => {
    const { world, protocol, job } = await opened();
    const receipts = [receiptOf(job, TU + 1n)];
    await world.signer.publish(receipts);
    await submitReceipts(protocol, receipts);
    const args = ["--config", await world.init({ guardian: { safe: path.join(world.folder, "vetoes") } }), "--veto"];
    expect(await run(world, args, "watch.veto.written").ended).to.equal("SIGKILL");
    for (let i = 0; i < 2; ++i) expect(await run(world, [...args, "--once"]).ended).to.equal(1);
    expect(world.alarms).to.deep.equal(["over-order", "veto-to-sign"]);
  });

  it("ends with 0, 1 or 2 after one look", async () => {
    const { world, protocol, job } = await opened();
    const receipts = [receiptOf(job, TU / 4n)];
    await world.signer.publish(receipts);
    const config = await world.init();
    const once = (...more: string[]) => run(world, ["--config", config, "--once", ...more]);
    const nothing = once();
    expect([await nothing.ended, nothing.output()]).to.deep.equal([0, "No root is pending.\n"]);

    const { root } = await submitReceipts(protocol, receipts);
    const right = once("--json");
    expect(await right.ended).to.equal(0);
    const { roots } = JSON.parse(right.output()) as { roots: { root: { receiptsRoot: string }; outcome: string }[] };
    expect(roots.map((each) => [each.root.receiptsRoot, each.outcome])).to.deep.equal([[root, "right"]]);

    await submitReceipts(protocol, [receiptOf(job, TU / 3n)]);
    expect(await once().ended).to.equal(1);
    await world.signer.close();
    const silent = once();
    expect(await silent.ended).to.equal(2);
    expect(silent.output()).to.include("Nothing could be checked: ");

    await passVetoWindow(protocol);
    const wrong = [receiptOf(job, TU + 1n)];
    await submitReceipts(protocol, wrong);
    expect(await once().ended).to.equal(2);
  });
});

/** Runs a watch in a process of its own, which is killed at a step. */
function run(world: WatchWorld, args: readonly string[], killedAt = "") {
  const child = spawn(process.execPath, ["--require", KILLER, TURINGFOG, "watch", "run", ...args], {
    env: { PATH: process.env.PATH, LOCALHOST_RPC_URL: world.rpcUrl, TURINGFOG_KILL_AT: killedAt },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => (signal ?? code) as string | number);
  return { child, ended, output: () => output };
}
