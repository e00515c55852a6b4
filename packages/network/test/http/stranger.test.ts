import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import {
  AddressRefusedError,
  Budget,
  fetchStranger,
  HttpClient,
  HttpError,
  isPublic,
  MAX_FETCHED,
  type RequestSettings,
  senderOf,
} from "@turingfog/network";
import { expect } from "chai";

/** A server that gives so many bytes at /N, a redirect at /away, and nothing at /never. */
async function withServer(test: (url: string, client: HttpClient, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server = createServer(({ url = "", headers }, response) => {
    asked.push(`${headers.host} ${url}`);
    if (url === "/never") return;
    if (url === "/away") return void response.writeHead(302, { location: "/5" }).end();
    response.end("x".repeat(Number(url.slice(1))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new HttpClient();
  try {
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, client, asked);
  } finally {
    client.close();
    server.closeAllConnections();
    server.close();
  }
}

describe("What strangers name", () => {
  it("is fetched up to 64 KiB, and refused one byte above", async () => {
    await withServer(async (url, client) => {
      const settings = { allowPrivate: true, client };
      expect((await fetchStranger(`${url}/${MAX_FETCHED}`, settings)).length).to.equal(65_536);
      await expect(fetchStranger(`${url}/${MAX_FETCHED + 1}`, settings)).to.be.rejectedWith(HttpError, "too-large");
      const data = (bytes: number) => `data:application/json,${"x".repeat(bytes)}`;
      expect((await fetchStranger(data(MAX_FETCHED), settings)).length).to.equal(65_536);
      await expect(fetchStranger(data(MAX_FETCHED + 1), settings)).to.be.rejectedWith(AddressRefusedError, "65536");
    });
  });

  it("has ten seconds to come as a whole", async () => {
    const asked: RequestSettings[] = [];
    const client = new HttpClient();
    client.get = async (_, settings = {}) => {
      asked.push(settings);
      return Buffer.alloc(0);
    };
    await fetchStranger("https://1.1.1.1/", { allowPrivate: false, client });
    expect(asked.map(({ timeout, maxBytes }) => [timeout, maxBytes])).to.deep.equal([[10_000, 65_536]]);
  });

  it("is not followed elsewhere", async () => {
    await withServer(async (url, client, asked) => {
      await expect(fetchStranger(`${url}/away`, { allowPrivate: true, client })).to.be.rejectedWith(HttpError, "302");
      expect(asked).to.have.length(1);
    });
  });

  for (const address of [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "https://a:b@example.com/",
    "x",
  ]) {
    it(`is not fetched at ${address}`, async () => {
      const client = new HttpClient();
      const resolve = async () => ["93.184.216.34"];
      await expect(fetchStranger(address, { allowPrivate: false, client, resolve })).to.be.rejectedWith(
        AddressRefusedError,
      );
    });
  }

  for (const host of [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "10.0.0.1",
    "169.254.169.254",
    "192.168.1.1",
    "224.0.0.1",
    "[::1]",
    "[fe80::1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::a00:1]",
    "[ff02::1]",
  ]) {
    it(`is not fetched from ${host}`, async () => {
      const client = new HttpClient();
      await expect(fetchStranger(`https://${host}/`, { allowPrivate: false, client })).to.be.rejectedWith(
        AddressRefusedError,
        "public internet",
      );
    });
  }

  it("is not fetched from a host of which one address is private", async () => {
    const client = new HttpClient();
    const resolve = async () => ["93.184.216.34", "10.0.0.1"];
    const settings = { allowPrivate: false, client, resolve };
    await expect(fetchStranger("https://example.com/", settings)).to.be.rejectedWith(AddressRefusedError);
  });

  it("is resolved once, and asked for at the address that was checked", async () => {
    await withServer(async (url, client, asked) => {
      const { port } = new URL(url);
      const resolved: string[] = [];
      const resolve = async (host: string) => {
        resolved.push(host);
        return ["127.0.0.1"];
      };
      await fetchStranger(`http://node.example:${port}/3`, { allowPrivate: true, client, resolve });
      expect([resolved, asked]).to.deep.equal([["node.example"], [`node.example:${port} /3`]]);
    });
  });

  it("knows what is public", () => {
    for (const address of ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
      expect(isPublic(address), address).to.equal(true);
    for (const address of ["100.64.0.1", "198.18.0.1", "240.0.0.1", "2001:db8::1", "fc00::1", "::", "x"]) {
      expect(isPublic(address), address).to.equal(false);
    }
  });
});

describe("Budget", () => {
  it("lets through what there is, refuses above, and comes back with time", () => {
    const times = [0];
    const budget = new Budget({ burst: 3, perSecond: 1 }, () => times[0]);
    expect([1, 2, 3, 4].map(() => budget.take("a"))).to.deep.equal([true, true, true, false]);
    expect(budget.has("a")).to.equal(false);
    expect(budget.has("b")).to.equal(true);
    times[0] = 2_000;
    expect(budget.has("a")).to.equal(true);
    times[0] = 1_000_000;
    expect([1, 2, 3, 4].map(() => budget.take("a"))).to.deep.equal([true, true, true, false]);
  });

  it("takes an address of IPv6 for its network", () => {
    const same = ["2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::"];
    expect(new Set(same.map(senderOf))).to.deep.equal(new Set(["2001:db8:1:2"]));
    expect(senderOf("::ffff:10.1.2.3")).to.equal("10.1.2.3");
    expect(senderOf("2001:db8:1:3::1")).to.equal("2001:db8:1:3");
    expect(senderOf("::1")).to.equal("0:0:0:0");
  });
});
