import http from "node:http";

import { READINGS, type Signed, type Reading } from "@turingfog/sdk/wire";

import { Meter } from "../../../packages/network/test/helpers/meters";
import { answer, type ClientTask } from "./messages";

/** Connections from one address; a server takes at most 64. */
const PER_ADDRESS = 60;

/** A node that posts its readings in their order, over one connection. */
interface Poster {
  bodies: string[];
  agent: http.Agent;
  port: number;
}

async function prepare({ ports, first, meters, readingsEach, postSize, done }: ClientTask): Promise<Poster[]> {
  const posters: Poster[] = [];
  for (let i = 0; i < meters; ++i) {
    const meter = await Meter.of(first + i);
    meter.many(done);
    const localAddress = `127.0.0.${1 + Math.floor(i / PER_ADDRESS)}`;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1, localAddress });
    posters.push({ bodies: bodiesOf(meter.many(readingsEach), postSize), agent, port: ports[i % ports.length] });
  }
  return posters;
}

function bodiesOf(readings: Signed<Reading>[], postSize: number): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < readings.length; at += postSize) {
    bodies.push(READINGS.encode({ readings: readings.slice(at, at + postSize) }));
  }
  return bodies;
}

async function postAll({ bodies, agent, port }: Poster): Promise<number> {
  let accepted = 0;
  for (const body of bodies) accepted += (await post(agent, port, body)).split('"accepted"').length - 1;
  agent.destroy();
  return accepted;
}

function post(agent: http.Agent, port: number, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = http.request({ host: "127.0.0.1", port, method: "POST", path: "/v1/readings", agent, headers });
    request.on("error", reject).on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString())).on("end", () => resolve(text));
    });
    request.end(body);
  });
}

const prepared: Poster[][] = [];

answer(async (request: ClientTask | { go: true }) => {
  if ("role" in request) {
    prepared.push(await prepare(request));
    return 0;
  }
  const started = performance.now();
  const accepted = await Promise.all((prepared.pop() ?? []).map(postAll));
  return { accepted: accepted.reduce((sum, each) => sum + each, 0), seconds: (performance.now() - started) / 1_000 };
});
