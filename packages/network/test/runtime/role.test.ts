import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { expect } from "chai";

import { send } from "../helpers/raw";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function start(mode: string, port: number) {
  const file = path.join(__dirname, "../helpers/roleProcess.ts");
  const child = spawn(process.execPath, ["-r", "ts-node/register/transpile-only", file, mode, String(port)]);
  const output: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  const ended = once(child, "close").then(([code]) => code as number);
  const said = async (word: string) => {
    while (!output.join("").includes(word)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return { child, ended, said, lines: () => output.join("").trim().split("\n") };
}

describe("A role", () => {
  it("serves its health and its metrics, and ends cleanly on SIGTERM", async () => {
    const port = await freePort();
    const { child, ended, said, lines } = start("run", port);
    await said('"started"');
    const health = await send(port, { method: "GET", path: "/health" });
    expect([health.status, health.json]).to.deep.equal([
      503,
      { ok: false, parts: { chain: { state: "waiting", reason: "no node" } } },
    ]);
    const metrics = await send(port, { method: "GET", path: "/metrics" });
    expect([metrics.status, metrics.headers["content-type"]]).to.deep.equal([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    expect(metrics.body).to.include("process_cpu_user_seconds_total");
    child.kill("SIGTERM");
    expect(await ended).to.equal(0);
    expect(lines().map((line) => (JSON.parse(line) as { msg: string }).msg)).to.include.members([
      "cleaned up",
      "stopped",
    ]);
  });

  it("says on one line why it cannot start, and ends with 1", async () => {
    const { ended, lines } = start("fail", await freePort());
    expect(await ended).to.equal(1);
    const failed = lines().map((line) => JSON.parse(line) as { msg: string; reason?: string });
    expect(failed.find(({ msg }) => msg === "failed")?.reason).to.equal("The store is gone");
  });
});
