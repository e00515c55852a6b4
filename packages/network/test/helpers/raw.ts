import { once } from "node:events";
import http from "node:http";
import { connect, type Socket } from "node:net";

/** An answer as it came. */
export interface RawAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  json: { error?: string; message?: string };
}

export interface RawRequest {
  method?: string;
  path?: string;
  body?: string | Uint8Array;
  headers?: http.OutgoingHttpHeaders;
  /** The address of this machine that it is sent from: all of 127.0.0.0/8 are its. */
  from?: string;
  /** A connection of its own is opened if left out. */
  agent?: http.Agent | false;
}

/** Sends a request whatever the server may think of it. */
export async function send(
  port: number,
  { method = "POST", path = "/", body, headers, from, agent = false }: RawRequest,
): Promise<RawAnswer> {
  const request = http.request({ host: "127.0.0.1", port, method, path, headers, localAddress: from, agent });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  let json: RawAnswer["json"] = {};
  try {
    json = JSON.parse(text) as RawAnswer["json"];
  } catch {
    // something else than JSON
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: text, json };
}

/** Opens a connection and writes to it what is no whole request yet. */
export async function open(port: number, text = "", from?: string): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, localAddress: from });
  // what the server does with it may be an error here
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

/** Resolves to all that comes until the connection is closed. */
export async function untilClosed(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return text;
}
