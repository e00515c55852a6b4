import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";

import { openServer } from "@turingfog/network";
import { expect } from "chai";

import { LOG } from "../../../packages/network/test/helpers/intake";
import { freePorts } from "../../../packages/network/test/helpers/signers";
import { readPages } from "./pages";

const NGINX = "/usr/sbin/nginx";
const SECTION = "docs/operators/README.md#a-proxy-with-a-certificate";

/** Another address of this machine than that of the proxy. */
const CLIENT = "127.0.0.2";

/** Bytes of a body, more than a socket's buffers and nginx's hold. */
const LARGE = 20_000_000;

interface Proxied {
  /** Asks through the proxy. */
  request: (path: string, headers: Record<string, string>, method?: string) => ReturnType<typeof https.request>;
}

/** Puts nginx, as the page configures it, before a server of ours that tells what it gets. */
async function withProxy(use: (proxied: Proxied) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-proxy-"));
  const listen = { host: "127.0.0.1", port: 0, trustedProxies: ["127.0.0.1"] };
  const server = await openServer({ listen, log: LOG, limits: { maxBytes: 2 * LARGE } }, (routes) => {
    routes.get("/ip", ({ ip, headers }) => ({ ip, envelope: headers["turingfog-envelope"] }));
    routes.get("/events", (_, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "text/event-stream" });
      reply.raw.write("data: 1\n\n");
    });
    routes.put("/body", ({ body }) => ({ bytes: (body as Buffer).length }));
  });
  server.server.on("upgrade", (_: IncomingMessage, socket: Duplex) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: turingfog-relay\r\nConnection: Upgrade\r\n\r\n");
    socket.pipe(socket);
  });
  let nginx: ChildProcess | undefined;
  try {
    const [port] = await freePorts(1);
    const [key, certificate] = ["key.pem", "cert.pem"].map((name) => path.join(folder, name));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"];
    const keys = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      key,
      "-out",
      certificate,
    ];
    execFileSync("openssl", ["req", "-x509", ...keys, ...subject], { stdio: "pipe" });
    const block = readPages()
      .flatMap(({ blocks }) => blocks)
      .find(({ section, language }) => section === SECTION && language === "nginx")?.text;
    const text = String(block)
      .replace("listen 443", `listen 127.0.0.1:${port}`)
      .replace("server_name node.example", "server_name localhost")
      .replace(/ssl_certificate \S+;/, `ssl_certificate ${certificate};`)
      .replace(/ssl_certificate_key \S+;/, `ssl_certificate_key ${key};`)
      .replace("127.0.0.1:7010", `127.0.0.1:${(server.server.address() as AddressInfo).port}`);
    const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (each) => `${each}_temp_path ${folder}/${each};`,
    );
    const main = `daemon off; pid ${folder}/pid; error_log ${folder}/errors; events {} http { access_log off; ${places.join(" ")} ${text} }`;
    await writeFile(path.join(folder, "nginx.conf"), main);
    nginx = spawn(NGINX, ["-p", folder, "-c", path.join(folder, "nginx.conf")], { stdio: "inherit" });
    const ca = await readFile(certificate);
    const request: Proxied["request"] = (path, headers, method = "GET") =>
      https.request({
        host: "localhost",
        family: 4,
        localAddress: CLIENT,
        port,
        path,
        headers,
        method,
        ca,
        agent: false,
      });
    await untilUp(request);
    await use({ request });
  } finally {
    if (nginx !== undefined) {
      nginx.kill("SIGTERM");
      await once(nginx, "exit");
    }
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function untilUp(request: Proxied["request"]): Promise<void> {
  for (let tries = 0; ; ++tries) {
    const asked = request("/ip", {}).end();
    const isUp = await once(asked, "response").then(
      ([answer]) => (answer as IncomingMessage).resume().statusCode === 200,
      () => false,
    );
    if (isUp) return;
    if (tries === 2_000) throw new Error("nginx does not answer");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function answerTo(asked: ReturnType<typeof https.request>): Promise<unknown> {
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  return JSON.parse(text);
}

describe("the proxy of the documentation", () => {
  if (!existsSync(NGINX)) {
    it("needs nginx: run `npm run setup:nginx` as root");
    return;
  }

  it("names each client by its own address, whatever it says itself, and keeps envelopes", async () => {
    await withProxy(async ({ request }) => {
      const headers = { "x-forwarded-for": "203.0.113.9", "turingfog-envelope": "{}" };
      expect(await answerTo(request("/ip", headers).end())).to.deep.equal({ ip: CLIENT, envelope: "{}" });
    });
  });

  it("passes an event on while the answer goes on, and a large body", async () => {
    await withProxy(async ({ request }) => {
      const followed = request("/events", {}).end();
      const [answer] = (await once(followed, "response")) as [IncomingMessage];
      const [chunk] = (await once(answer, "data")) as [Buffer];
      expect(String(chunk)).to.equal("data: 1\n\n");
      followed.destroy();

      const body = Buffer.alloc(LARGE, 1);
      const headers = { "content-type": "application/octet-stream", "content-length": String(LARGE) };
      expect(await answerTo(request("/body", headers, "PUT").end(body))).to.deep.equal({ bytes: LARGE });
    });
  });

  it("lets a node connect to a relay by an upgrade", async () => {
    await withProxy(async ({ request }) => {
      const asked = request("/nodes/7", { upgrade: "turingfog-relay", connection: "Upgrade" }).end();
      const [answer, socket] = (await once(asked, "upgrade")) as [IncomingMessage, Duplex];
      expect(answer.statusCode).to.equal(101);
      socket.write("both ways");
      expect(String((await once(socket, "data"))[0])).to.equal("both ways");
      socket.destroy();
    });
  });
});
