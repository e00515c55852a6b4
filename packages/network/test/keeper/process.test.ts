import { once } from "node:events";
import { spawn } from "node:child_process";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { TU } from "@turingfog/sdk";
import { expect } from "chai";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../../../../test/helpers/fixture";
import { passVetoWindow, submitReceipts } from "../../../../test/helpers/market";
import { TURINGFOG } from "../../../../test/helpers/otherChain";
import { openJob, receiptOf } from "../../../../test/helpers/settling";
import { KeeperWorld } from "../helpers/keeping";

const KILLER = path.join(__dirname, "../helpers/killer.js");

/** Where a keeper stands when it is killed, in the order in which it comes there. */
const KILLED_AT = ["keeper.attempt.stored", "keeper.act.done", "keeper.root.before-store", "keeper.root.stored"];

describe("turingfog keeper run", () => {
  it("settles once what it was killed over, at every step, and ends with 0 when it is told to", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow } = protocol.contracts;
    const job = await openJob(protocol);
    await time.increase(3_600);
    const receipts = [receiptOf(job, TU / 4n, BigInt(await time.latest()))];
    await submitReceipts(protocol, receipts);
    await passVetoWindow(protocol);
    const world = await KeeperWorld.open(protocol);
    try {
      await world.publish(receipts);
      const { config, keeper } = await world.init("keeper");
      for (const step of KILLED_AT) expect(await run(world, config, step).ended, step).to.equal("SIGKILL");
      const { child, ended, said } = run(world, config);
      await said('"part":"settle","state":"ok"');
      child.kill("SIGTERM");
      expect(await ended).to.equal(0);
      expect((await escrow.order(job.orderId)).tuSettled).to.equal(TU / 4n);
      expect(await ethers.provider.getTransactionCount(keeper)).to.equal(1);
    } finally {
      await world.close();
    }
  });
});

/** Runs a keeper in a process of its own, which is killed at a step. */
function run(world: KeeperWorld, config: string, killedAt = "") {
  const child = spawn(process.execPath, ["--require", KILLER, TURINGFOG, "keeper", "run", "--config", config], {
    env: { PATH: process.env.PATH, LOCALHOST_RPC_URL: world.chain.url, TURINGFOG_KILL_AT: killedAt },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    child.emit("said");
  });
  const ended = once(child, "exit").then(([code, signal]) => (signal ?? code) as string | number);
  const said = async (text: string) => {
    while (!output.includes(text)) await once(child, "said");
  };
  return { child, ended, said };
}
