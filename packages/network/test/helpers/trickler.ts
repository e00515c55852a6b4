import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that begins to answer everything, and goes on bit by bit without an end. */
export class Trickler {
  private constructor(
    readonly endpoint: string,
    readonly asked: string[],
    readonly close: () => Promise<void>,
  ) {}

  static async open(): Promise<Trickler> {
    const asked: string[] = [];
    const server = createServer(({ url = "" }, response) => {
      asked.push(url);
      response.writeHead(200, { "content-type": "application/json" });
      const dripping = setInterval(() => response.write(" "), 20);
      response.once("close", () => clearInterval(dripping));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return new Trickler(`http://127.0.0.1:${port}`, asked, async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    });
  }
}
