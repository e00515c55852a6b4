import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import {
  connect,
  type Connection,
  InvalidRpcUrlError,
  OutOfGasError,
  UnreachableError,
  WithoutEffectError,
  withNodeNamed,
} from "@turingfog/operator";
import { redact } from "@turingfog/sdk/node";
import { RevertError, withRevertDecoded } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { concat, toQuantity, id } from "ethers";
import { network } from "hardhat";

import {
  chainBehind,
  failingAfter,
  FAULTS,
  type Habit,
  HABITS,
  MisbehavingNode,
} from "../../../test/helpers/misbehavingNode";
import { Genesis__factory } from "../../../typechain-types";

const KEY = "0123456789abcdef0123456789abcdef";

/** Connects to a node, by an address that is its own unless it is changed. */
async function connectTo(node: { url: string }, seconds = "20", changed = (url: string) => url): Promise<Connection> {
  const before = { ...process.env };
  Object.assign(process.env, { LOCALHOST_RPC_URL: changed(node.url), TURINGFOG_RPC_TIMEOUT: seconds });
  try {
    return await connect("localhost");
  } finally {
    process.env = before;
  }
}

/** Runs something by a node with a habit. */
async function by<T>(habit: Habit, use: (node: MisbehavingNode) => Promise<T>): Promise<T> {
  const node = await MisbehavingNode.start(chainBehind(network.provider));
  node.habit = habit;
  try {
    return await use(node);
  } finally {
    await node.stop();
  }
}

async function messageOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "nothing was thrown",
    (error: Error) => error.message,
  );
}

describe("a node", () => {
  it("that is not there is named with its variable", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.close();
    await once(server, "close");
    await expect(connectTo({ url })).to.be.rejectedWith(
      UnreachableError,
      `The node of localhost (${url}) does not answer eth_chainId (connection refused): check that it runs and that ` +
        "LOCALHOST_RPC_URL is right, then run the same command again",
    );
  });

  for (const encoding of ["gzip", "br"]) {
    it(`that sends what is not ${encoding}, and says that it is, is told so`, async () => {
      const server = createServer((_, response) => {
        response.writeHead(200, { "content-encoding": encoding }).end("hello, not compressed");
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const message = await messageOf(connectTo({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
      server.close();
      expect(message).to.contain("does not answer eth_chainId (what it sends cannot be decompressed): check that it");
    });
  }

  for (const wrong of ["node.example", "ws://node.example", "mainnet"]) {
    it(`is not taken from ${wrong}, which is not repeated`, async () => {
      await expect(connectTo({ url: wrong })).to.be.rejectedWith(
        InvalidRpcUrlError,
        /^LOCALHOST_RPC_URL is not the address of a node: expected a URL that begins with http:\/\/ or https:\/\/$/,
      );
    });
  }

  it("is shown without what may be a key, and neither are its own words", async () => {
    const words: Habit = () => Promise.resolve({ error: { code: -32000, message: `invalid project id: ${KEY}` } });
    await by(words, async (node) => {
      const message = await messageOf(connectTo(node, "20", (url) => `${url}/v2/${KEY}?token=${KEY}`));
      expect(redact(message)).to.contain(`The node of localhost (${node.url}/…) refuses eth_chainId`);
      expect(redact(message)).to.contain("invalid project id: [RPC key]");
    });
  });

  it("is shown without a key in the name of its host", async () => {
    const message = await messageOf(connectTo({ url: `http://${KEY}.localhost:1` }));
    expect(message).to.match(/^The node of localhost \(http:\/\/….localhost:1\) does not answer eth_chainId/);
  });

  it("is given the name and password of its address, which fetch does not take", async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(JSON.stringify({ jsonrpc: "2.0", id: 0, result: "0x7a69" }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { chainId } = await connectTo({
      url: `http://user:pass%20word@127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    server.close();
    expect(chainId).to.equal(31_337n);
    expect(seen).to.deep.equal([`Basic ${Buffer.from("user:pass word").toString("base64")}`]);
  });

  for (const status of [429, 503]) {
    it(`that asks for patience by HTTP ${status} is asked again`, async () => {
      const asked: string[] = [];
      const busy: Habit = async (request, backend) =>
        asked.push(request.method) % 2 === 1 ? { http: { status } } : backend(request);
      await by(busy, async (node) => {
        const { provider } = await connectTo(node);
        expect(await provider.getBlockNumber()).to.be.at.least(0);
      });
      expect(asked).to.deep.equal(["eth_chainId", "eth_chainId", "eth_blockNumber", "eth_blockNumber"]);
    });
  }

  it("that cuts a connection once is asked again, and no third time", async () => {
    const cutting = (times: number): Habit => {
      const asked: string[] = [];
      return async (request, backend) =>
        asked.push(request.method) <= times ? FAULTS["a cut connection"] : backend(request);
    };
    await by(cutting(1), async (node) => {
      expect((await connectTo(node)).chainId).to.equal(31_337n);
    });
    await by(cutting(2), async (node) => {
      expect(await messageOf(connectTo(node))).to.contain("does not answer eth_chainId (connection lost)");
      expect(node.log).to.have.length(2);
    });
  });

  it("that lets two questions in a row run out of time is asked no more", async () => {
    await by(failingAfter(1, FAULTS.silence), async (node) => {
      const { provider } = await connectTo(node, "0.5");
      const ask = () => messageOf(provider.getBlockNumber());
      const [first, , third] = [await ask(), await ask(), await ask()];
      expect(first).to.contain("does not answer eth_blockNumber (silent for 0.5 s)");
      expect(third).to.equal(first);
      expect(node.log).to.have.length(3);
    });
  });

  it("that is silent at one question is asked the next", async () => {
    const logless: Habit = (request, backend) =>
      request.method === "eth_getLogs" ? Promise.resolve(FAULTS.silence) : backend(request);
    await by(logless, async (node) => {
      const { provider } = await connectTo(node, "2");
      for (let i = 0; i < 2; ++i) {
        expect(await messageOf(provider.getLogs({}))).to.contain("silent for 2 s");
        expect(await provider.getBlockNumber()).to.be.at.least(0);
      }
    });
  });

  for (const [credentials, expected] of [
    ["us%er:secret%pass", "us%er:secret%pass"],
    [":secretpass", ":secretpass"],
  ]) {
    it(`is given ${credentials} as it stands`, async () => {
      const seen: (string | undefined)[] = [];
      const server = createServer((request, response) => {
        seen.push(request.headers.authorization);
        response.end(JSON.stringify({ jsonrpc: "2.0", id: 0, result: "0x7a69" }));
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      await connectTo({ url: `http://${credentials}@127.0.0.1:${(server.address() as AddressInfo).port}` });
      server.close();
      expect(seen).to.deep.equal([`Basic ${Buffer.from(expected).toString("base64")}`]);
    });
  }

  for (const [what, error, told] of [
    ["in a text", "no access", 'refuses eth_chainId with "no access" (200)'],
    [
      "on lines, in colours",
      { code: 7, message: "no\n\u001b[31maccess" },
      'refuses eth_chainId with "no [31maccess" (7)',
    ],
    ["in an object of its own", { code: {}, reason: "no access" }, '"{"code":{},"reason":"no access"}" (200)'],
  ] as const) {
    it(`is told in its words on one line, if it fails ${what}`, async () => {
      const failing: Habit = () => Promise.resolve({ error } as never);
      await by(failing, async (node) => {
        expect(await messageOf(connectTo(node))).to.contain(told);
      });
    });
  }

  const zero = `0x${"00".repeat(32)}`;
  const block = { number: "0x1", timestamp: "0x1", gasLimit: "0x1", transactions: [], difficulty: "0x0" };
  for (const [method, params, results] of [
    ["eth_estimateGas", [{}], ["0x0", "0x5207", "0x"]],
    ["eth_blockNumber", [], ["0xfffffffffffffffff", "0x", 1]],
    ["eth_getTransactionCount", ["0x", "latest"], ["0xffffffffffffffffffff", null]],
    ["eth_sendRawTransaction", ["0x"], ["0x1234", "0x", null]],
    ["eth_getLogs", [{}], [[null], [{}], {}, [{ address: "0x", topics: [], data: "0x", blockNumber: "0x1" }]]],
    ["eth_getTransactionReceipt", [zero], [{}, { transactionHash: zero, blockNumber: "0x1", logs: null }]],
    [
      "eth_getBlockByNumber",
      ["latest", false],
      [
        ...["gasLimit", "difficulty", "transactions"].map((key) => ({ ...block, [key]: null })),
        ...["number", "timestamp"].map((key) => ({ ...block, [key]: "0x" })),
        ...[{ gasLimit: "0x0" }, { baseFeePerGas: "abc" }, {}].map((bad, i) => (i === 2 ? null : { ...block, ...bad })),
      ],
    ],
  ] as const) {
    it(`is not believed what is no answer to ${method}`, async () => {
      for (const result of results) {
        const strange: Habit = (request, backend) =>
          request.method === method ? Promise.resolve({ result } as never) : backend(request);
        await by(strange, async (node) => {
          const { provider } = await connectTo(node);
          const message = await messageOf(provider.send(method, [...params]));
          expect(message, JSON.stringify(result)).to.contain(
            `does not answer ${method} (what it sends is no answer to that)`,
          );
        });
      }
    });
  }

  it("that gives no price of gas is not taken to give it for nothing", async () => {
    const priceless: Habit = (request, backend) =>
      request.method === "eth_gasPrice" ? Promise.resolve(FAULTS["HTTP 401"]) : backend(request);
    await by(priceless, async (node) => {
      const { provider } = await connectTo(node);
      expect(await messageOf(provider.getFeeData())).to.contain('refuses eth_gasPrice with "Must be authenticated!"');
    });
  });

  it("that suggests less for gas than its blocks ask is not paid less than they ask", async () => {
    const free: Habit = (request, backend) =>
      request.method === "eth_gasPrice" ? Promise.resolve({ result: "0x0" }) : backend(request);
    await by(free, async (node) => {
      const { provider } = await connectTo(node);
      const baseFee = (await provider.getBlock("latest"))?.baseFeePerGas;
      expect(baseFee).to.be.above(0n);
      expect((await provider.getFeeData()).gasPrice).to.equal(baseFee);
    });
  });

  it("passes on what a contract says", async () => {
    await by(HABITS.honest, async (node) => {
      const { provider } = await connectTo(node);
      // an account of this test alone: the chain keeps its code
      const to = id("a contract that refuses in words").slice(0, 42);
      const data = Genesis__factory.createInterface().encodeErrorResult("Genesis_CreationFailed", [7, "0x"]);
      // PUSH2 size, PUSH1 14, PUSH1 0, CODECOPY, PUSH2 size, PUSH1 0, REVERT
      const size = `0x61${(data.length / 2 - 1).toString(16).padStart(4, "0")}`;
      await network.provider.send("hardhat_setCode", [to, concat([size, "0x600e600039", size, "0x6000fd", data])]);
      await expect(withRevertDecoded(provider.call({ to, data: "0x" }))).to.be.rejectedWith(
        RevertError,
        "Genesis_CreationFailed(7, 0x)",
      );
      expect(toQuantity(await provider.getBalance(to))).to.equal("0x0");
    });
  });
});

describe("withNodeNamed", () => {
  const errors = [OutOfGasError.tried("Pay", 1n, new Error("out of gas")), new WithoutEffectError("Pay", "0x1")];

  for (const error of errors) {
    it(`names the variable of the node in a ${error.constructor.name}, but for the chain in process`, () => {
      expect(withNodeNamed(error, "hardhat").message).to.contain("the RPC URL");
      expect(withNodeNamed(error, "arbitrumSepolia").message).to.contain("ARBITRUM_SEPOLIA_RPC_URL");
    });
  }
});
