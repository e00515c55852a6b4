import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";

import { CommandProcess, TURINGFOG } from "../../../../test/helpers/otherChain";
import { deployWithUSDC, GatewayWorld } from "../helpers/gatewayWorld";
import { freePorts } from "../helpers/signers";

const KILLER = path.join(__dirname, "../helpers/killer.js");

/** Where the gateway is killed, in the order in which a payment comes there. */
const KILLED_AT = [
  ...["gateway.payment.before-store", "gateway.payment.stored", "gateway.approval.stored", "gateway.attempt.stored"],
  ...["gateway.send.done", "gateway.order.stored", "gateway.hand-over.stored", "gateway.delivery.before-store"],
];

describe("turingfog gateway run", () => {
  it("opens one order and hands out its result, killed on its way again and again, and ends with 0 when it is told to", async () => {
    const world = await GatewayWorld.open(await loadFixture(deployWithUSDC));
    const running: ChildProcess[] = [];
    try {
      const { config, url } = await configured(world);
      const start = (killedAt?: string) => {
        const { child, ended } = run(world, config, killedAt);
        running.push(child);
        return { child, ended };
      };
      const first = start();
      const folder = path.join(world.folder, "result");
      const files = path.join(world.folder, "files");
      await mkdir(path.join(files, "sub"), { recursive: true });
      await writeFile(path.join(files, "sub/a.txt"), "a");
      const order = ["--node", String(world.fixture.nodeId), "--tu", "0.5", "--hours", "24", "--currency", "eur"];
      const job = ["--runner", "words", "--slot", "TEXT=hello", "--files", files];
      await answers(url);
      const asked = await pay(url, folder, [...order, ...job, "--wait", "0", "--json"]);
      const { id, checkout } = JSON.parse(asked.stdout) as { id: string; checkout: string };
      world.stripe.pay(checkout.split("/").at(-1) as string);
      expect(first.child.kill("SIGKILL")).to.equal(true);
      await first.ended;
      for (const step of KILLED_AT) expect(await start(step).ended, step).to.equal("SIGKILL");

      const last = start();
      await answers(url);
      const done = await pay(url, folder, ["--session", id]);
      expect([done.code, done.stderr]).to.deep.equal([0, ""]);
      const [{ orderId }, ...others] = await world.openings();
      expect(others).to.deep.equal([]);
      expect(await readFile(path.join(folder, "out/words.txt"), "utf8")).to.equal(`hello of order ${orderId}\n`);
      last.child.kill("SIGTERM");
      expect(await last.ended).to.equal(0);
    } finally {
      for (const child of running) child.kill("SIGKILL");
      await world.close();
    }
  });

  it("does not start with a secret that others can read", async () => {
    const world = await GatewayWorld.open(await loadFixture(deployWithUSDC));
    try {
      const { config } = await configured(world, 0o644);
      expect((await stat(path.join(path.dirname(config), "stripe.key"))).mode & 0o777).to.equal(0o644);
      const { child, ended } = run(world, config);
      let output = "";
      child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
      expect(await ended).to.equal(1);
      expect(output)
        .to.match(/stripe\.key has mode 644, so that others can use it/)
        .and.not.include("sk_test");
    } finally {
      await world.close();
    }
  });
});

/** Makes a gateway's folder, on a port that is free. */
async function configured(world: GatewayWorld, mode = 0o600): Promise<{ config: string; url: string }> {
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const settings = { listen: { host: "127.0.0.1", port }, endpoint: url, stripe: { poll: 0.2 } };
  const { config } = await world.init("gateway", settings);
  const key = path.join(path.dirname(config), "stripe.key");
  await chmod(key, mode);
  return { config, url };
}

function run(world: GatewayWorld, config: string, killedAt = "") {
  const child = spawn(process.execPath, ["--require", KILLER, TURINGFOG, "gateway", "run", "--config", config], {
    env: { PATH: process.env.PATH, LOCALHOST_RPC_URL: world.chain.url, TURINGFOG_KILL_AT: killedAt },
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.resume();
  const ended = once(child, "exit").then(([code, signal]) => (signal ?? code) as string | number);
  return { child, ended };
}

/** Waits until a gateway answers. */
async function answers(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/pay/x`).catch(() => undefined);
    if (answer?.status === 404) return;
    await sleep(50);
  }
}

function pay(url: string, folder: string, args: string[]) {
  return CommandProcess.start("order pay", [folder, "--card", url, ...args], {}).outcome;
}
