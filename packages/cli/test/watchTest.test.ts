import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { program, runCommand } from "@turingfog/cli";
import { initWatch } from "@turingfog/network";
import { expect } from "chai";

import { temporaryFolder } from "../../../test/helpers/tuLogs";

/** Runs `turingfog watch test` for webhooks that answer with these codes, and returns what they were told and it has said. */
async function tryAt(...codes: number[]): Promise<{ code: number; told: unknown[]; said: string }> {
  const told: unknown[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      let body = "";
      for await (const part of request) body += String(part);
      told.push(JSON.parse(body));
      response.writeHead(Number(request.url?.slice("/secret-of-a-webhook-".length))).end();
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const config = await initWatch({
    ...{ folder: path.join(temporaryFolder(), "watch"), network: "localhost", deployments: temporaryFolder(), port: 1 },
    signers: ["http://127.0.0.1:1"],
    webhooks: codes.map((code) => `http://127.0.0.1:${port}/secret-of-a-webhook-${code}`),
  });
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    const args = ["watch", "test", "--config", config];
    const code = await runCommand(await program(args), args);
    return { code, told, said: lines.join("\n") };
  } finally {
    console.log = log;
    server.closeAllConnections();
    await once(server.close(), "close");
  }
}

describe("turingfog watch test", () => {
  it("posts an alarm named test to each webhook once", async () => {
    const { code, told, said } = await tryAt(200, 204);
    expect(code).to.equal(0);
    expect(told).to.have.length(2);
    for (const alarm of told) expect(alarm).to.include({ alarm: "test", network: "localhost" });
    expect(said.match(/127\.0\.0\.1:\d+ +took it/g)).to.have.length(2);
  });

  it("ends with 1, and says who did not take it, without what gives access", async () => {
    const { code, said } = await tryAt(200, 403);
    expect(code).to.equal(1);
    expect(said).to.contain("answers 403").and.not.contain("secret-of-a-webhook");
  });

  it("ends with 1 if there is no webhook", async () => {
    expect(await tryAt()).to.include({ code: 1 });
  });
});
