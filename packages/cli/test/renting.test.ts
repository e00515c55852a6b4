import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { program, runCommand, UsageError } from "@turingfog/cli";
import { newAgeKey, Rental, writeSecret } from "@turingfog/network";
import { depositOf, formatInstant, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { network } from "hardhat";
import { id, parseUnits } from "ethers";

import { addressBookOf, printedFor } from "../../../test/helpers/commands";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { openOrder, registerNodes, registerUnattested } from "../../../test/helpers/market";
import { temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";

const PRICE = parseUnits("0.4", 6);

/** A fast and a slow node on offer, and one that nobody has attested. */
async function offered() {
  const protocol = await deployProtocolFixture();
  const { contracts, actors } = protocol;
  const [first, second, third] = actors.miners;
  const { registry, usd, tft } = contracts;
  const [fast] = await registerNodes(protocol, [first], { gpuModel: "V100", gpuCount: 8n });
  const [slow] = await registerNodes(protocol, [second], { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
  const unattested = await registerUnattested(protocol, third);
  await registry.connect(first).setListing(fast, usd, PRICE, 10n * TU);
  await registry.connect(first).setListing(fast, tft, parseUnits("20", 18), 10n * TU);
  await registry.connect(second).setListing(slow, usd, PRICE / 2n, 10n * TU);
  await registry.connect(third).setListing(unattested, usd, 1n, 10n * TU);
  const books = await addressBookOf(protocol);
  return { protocol, ...contracts, ...actors, fast, slow, books, renter: actors.renters[0] };
}

type Offered = Awaited<ReturnType<typeof offered>>;

/** Runs a command on the deployment, as the renter or another account. */
const run = ({ books, renter }: Offered, command: string, args: string[], account: { address: string } = renter) =>
  printedFor(account, command, [...args, "--deployments", books]);

const messageOf = async (call: Promise<unknown>) => ((await thrownBy(call)) as Error).message;

const NETWORK = ["--network", "hardhat"];

/** An order of the renter's on the fast node, and a folder as `turingfog order open` leaves it. */
async function rented() {
  const world = await loadFixture(offered);
  const { protocol, renter, usd, fast } = world;
  const asset = await usd.getAddress();
  const orderId = await openOrder(protocol, renter, usd, { nodeId: fast, maxUnitPrice: PRICE });
  return { ...world, orderId, folder: await folderOf(orderId, asset, fast, renter.address) };
}

async function folderOf(
  orderId: bigint,
  asset: string,
  nodeId: bigint,
  renter: string,
  { endpoint, recipient } = { endpoint: "http://127.0.0.1:9", recipient: "age1" },
): Promise<string> {
  const folder = temporaryFolder();
  const terms = { network: "hardhat", nodeId, asset, tuAmount: TU, maxUnitPrice: PRICE, duration: HOUR, renter };
  const rest = { jobHash: id("job"), paymentRef: id("ref"), endpoint, recipient };
  await new Rental(folder).write({ ...terms, ...rest, orderId });
  return folder;
}

describe("turingfog order quote", () => {
  it("says what an order costs on each node that can take it, the cheapest first", async () => {
    const world = await loadFixture(offered);
    const printed = await run(world, "order quote", [...NETWORK, "--tu", "0.5", "--hours", "24", "--asset", "usd"]);
    const rows = printed.split("\n");
    // 0.4 and 0.2 USD for 1 TU; an hour of a V100 makes 1.85 TU a day, one of a GTX 1080 Ti 1
    expect(rows[1]).to.match(
      new RegExp(`^  ${world.slow} +1 × GTX 1080 Ti +0\\.1 USD +0\\.2 USD +0\\.008334 USD +0\\.5 TU +12\\.0 h`),
    );
    expect(rows[2]).to.match(
      new RegExp(`^  ${world.fast} +8 × V100 +0\\.2 USD +0\\.4 USD +0\\.030834 USD +0\\.5 TU +0\\.8 h`),
    );
    expect(rows).to.have.length(4);
    expect(rows[3]).to.contain(`Next: turingfog order open ORDER --network hardhat --node ${world.slow} --asset 0x`);
  });

  it("buys more TU on a faster GPU for the same GPU hours", async () => {
    const world = await loadFixture(offered);
    const args = [...NETWORK, "--gpu-hours", "8", "--hours", "24", "--json"];
    const { quotes } = JSON.parse(await run(world, "order quote", args)) as {
      quotes: { nodeId: string; symbol: string; tuAmount: string; unitPrice: string; deposit: string }[];
    };
    expect(quotes.map(({ nodeId, symbol }) => `${nodeId} ${symbol}`)).to.deep.equal([
      ...[`${world.fast} TFT`, `${world.slow} USD`, `${world.fast} USD`],
    ]);
    expect(quotes.map(({ tuAmount }) => BigInt(tuAmount))).to.deep.equal([
      ...[(185n * TU) / 300n, TU / 3n, (185n * TU) / 300n],
    ]);
    for (const { tuAmount, unitPrice, deposit } of quotes) {
      expect(BigInt(deposit)).to.equal(depositOf(BigInt(tuAmount), BigInt(unitPrice)));
    }
  });

  it("says why no node can take an order", async () => {
    const world = await loadFixture(offered);
    const quote = (...args: string[]) => messageOf(run(world, "order quote", [...NETWORK, ...args]));
    expect(await quote("--tu", "11", "--hours", "24")).to.equal(
      "No node can take the order: of the offers that were looked at, 3 with less capacity, 1 of a node that is not attested",
    );
    expect(await quote("--tu", "2", "--hours", "1", "--node", String(world.slow))).to.contain(
      "1 of a node that is too slow",
    );
    expect(await quote("--hours", "1")).to.contain("--tu or --gpu-hours is missing");
    expect(await quote("--tu", "1e3", "--hours", "1")).to.contain("--tu is 1e3, must be TU as 2.5");
  });
});

describe("turingfog order open", () => {
  it("pays after an approval where there is no permit, by the one sender, and once", async () => {
    const world = await loadFixture(offered);
    const { fast, usd, escrow, renter, miners } = world;
    const node = ["--folder", path.join(temporaryFolder(), "node"), ...NETWORK, "--node", String(fast)];
    const document = [...node, "--endpoint", "https://node.example", "--signer", "https://signer.example"];
    await run(world, "node init", [...document, "--publish", "data"], miners[0]);
    const order = path.join(temporaryFolder(), "order");
    const terms = ["--node", String(fast), "--asset", "usd", "--tu", "0.5", "--hours", "4"];
    const opening = [order, ...NETWORK, ...terms, "--runner", "sha256", "--slot", "FILE=a", "--approve"];
    const printed = await run(world, "order open", opening);
    expect(printed).to.contain("Price     0.4 USD for 1 TU, 0.030834 USD for an hour of one GPU");
    expect(printed).to.match(/Approve the deposit: sent as 0x.*\nOpen the order of job 0x\w+: sent as 0x/);
    const { orderId } = JSON.parse(readFileSync(path.join(order, "order.json"), "utf8")) as { orderId: string };
    expect(await escrow.ownerOf(orderId)).to.equal(renter.address);
    expect(await usd.allowance(renter, escrow)).to.equal(0n);

    // as if it had been ended before it wrote down the order
    const rental = new Rental(order);
    await rental.write({ ...(await rental.read()), orderId: undefined });
    expect(await run(world, "order open", [order, ...NETWORK])).to.contain(`Order ${orderId} is open`);
    expect((await escrow.queryFilter(escrow.filters.OrderOpened())).length).to.equal(1);
    const again = await run(world, "order open", [order, ...NETWORK, "--asset", "USD"]);
    expect(again).to.contain(`Order ${orderId} is open already`);
  });

  const pending = () => network.provider.send("eth_pendingTransactions") as Promise<unknown[]>;

  /** Returns why an order is not opened, and checks that no folder is left of it. */
  async function refusal(world: Offered, terms: Record<string, string>, account = world.renter): Promise<string> {
    const order = path.join(temporaryFolder(), "order");
    const all = { node: String(world.fast), asset: "usd", tu: "0.5", hours: "1", runner: "sha256", ...terms };
    const given = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    const message = await messageOf(run(world, "order open", [order, ...NETWORK, ...given], account));
    expect(existsSync(order)).to.equal(false);
    return message;
  }

  it("says until when the network is frozen, before anything is written", async () => {
    const world = await loadFixture(offered);
    const { oracle, guardian } = world;
    await oracle.connect(guardian).freeze();
    const until = await oracle.frozenUntil();
    const frozen = `The network is frozen until ${formatInstant(until)}, if its guardian does not thaw it before`;
    expect(await refusal(world, {})).to.contain(frozen);
    for (const [command, ...args] of [["market"], ["order quote", "--tu", "0.5", "--hours", "24"]]) {
      expect(await run(world, command, [...NETWORK, ...args])).to.contain(frozen);
      const told = JSON.parse(await run(world, command, [...NETWORK, ...args, "--json"])) as { frozenUntil: string };
      expect(BigInt(told.frozenUntil)).to.equal(until);
    }
    await oracle.connect(guardian).thaw();
    expect(await refusal(world, {})).to.contain("has no document");
    expect(await run(world, "market", NETWORK)).not.to.contain("frozen");
  });

  it("leaves no folder of an order that was refused before it was sent", async () => {
    const world = await loadFixture(offered);
    const { fast, escrow, miners } = world;
    const node = ["--folder", path.join(temporaryFolder(), "node"), ...NETWORK, "--node", String(fast)];
    const document = [...node, "--endpoint", "https://node.example", "--signer", "https://signer.example"];
    await run(world, "node init", [...document, "--publish", "data"], miners[0]);
    expect(await refusal(world, { slot: "FILE=a", "max-fee": "0.000000001" })).to.contain("the limit is");
    expect(await escrow.queryFilter(escrow.filters.OrderOpened())).to.have.length(0);
  });

  it("keeps the folder of an order that was sent, though a freeze comes before it", async () => {
    const world = await loadFixture(offered);
    const { fast, guardian, miners, oracle } = world;
    const node = ["--folder", path.join(temporaryFolder(), "node"), ...NETWORK, "--node", String(fast)];
    const document = [...node, "--endpoint", "https://node.example", "--signer", "https://signer.example"];
    await run(world, "node init", [...document, "--publish", "data"], miners[0]);
    const order = path.join(temporaryFolder(), "order");
    const terms = ["--node", String(fast), "--asset", "usd", "--tu", "0.5", "--hours", "4", "--runner", "sha256"];
    await network.provider.send("evm_setAutomine", [false]);
    const opening = messageOf(run(world, "order open", [order, ...NETWORK, ...terms, "--slot", "FILE=a"]));
    while ((await pending()).length === 0);
    const freezing = await oracle
      .connect(guardian)
      .freeze({ maxPriorityFeePerGas: parseUnits("100", "gwei"), maxFeePerGas: parseUnits("500", "gwei") });
    await network.provider.send("evm_mine");
    await network.provider.send("evm_setAutomine", [true]);
    expect((await freezing.wait())?.index).to.equal(0);
    expect(await opening).to.contain("Open the order of job");
    expect(existsSync(path.join(order, "job.key"))).to.equal(true);
  });

  it("refuses a node that quote refuses, and says what it attains in the time", async () => {
    const world = await loadFixture(offered);
    const { slow, protocol, miners } = world;
    const named = { node: String(slow) };
    expect(await refusal(world, named)).to.equal(
      `Node ${slow} attains 0.041666 TU in 1 hour, the order is of 0.5 TU: ask for less, or for more hours`,
    );
    expect(await refusal(world, { ...named, tu: "0.04" })).to.contain(`Node ${slow} has no document at ipfs://node: `);
    expect(await refusal(world, { ...named, tu: "11", hours: "300" })).to.equal(`Node ${slow} offers 10.0 TU at most`);
    expect(await refusal(world, { ...named, asset: "TFT" })).to.contain(`Node ${slow} is not offered in 0x`);
    expect(await refusal(world, { ...named, asset: "EUR" })).to.match(/^--asset is EUR, must be one of .*USD \(0x/);
    const unattested = await registerUnattested(protocol, miners[0]);
    await world.registry.connect(miners[0]).setListing(unattested, world.usd, 1n, TU);
    expect(await refusal(world, { node: String(unattested) })).to.contain("is not attested now");
  });

  it("says what is missing before it seals the job", async () => {
    const world = await loadFixture(offered);
    const { stranger, fast, registry, miners } = world;
    expect(await refusal(world, {}, stranger)).to.match(/^You have 0\.0 USD, the deposit is 0\.2 USD: 0x/);
    const files = path.join(temporaryFolder(), "none");
    expect(await refusal(world, { files })).to.equal(`--files is ${files}, must be a folder that exists`);
    await registry.connect(miners[0]).setMetadataURI(fast, "");
    expect(await refusal(world, {})).to.contain(`Node ${fast} has published no document`);
  });
});

describe("turingfog node init", () => {
  it("writes nothing if the document could not be signed", async () => {
    const world = await loadFixture(offered);
    const { fast, miners } = world;
    const folder = path.join(temporaryFolder(), "node");
    const given = { node: String(fast), endpoint: "https://node.example", signer: "https://signer.example" };
    const refused = async (changed: Partial<typeof given>, account = miners[0]) => {
      const args = Object.entries({ ...given, ...changed }).flatMap(([name, value]) => [`--${name}`, value]);
      const message = await messageOf(run(world, "node init", ["--folder", folder, ...NETWORK, ...args], account));
      expect(existsSync(folder)).to.equal(false);
      return message;
    };
    expect(await refused({ node: "12345" })).to.contain("Node 12345 is not registered");
    expect(await refused({}, miners[1])).to.contain(`Node ${fast} belongs to ${miners[0].address}`);
    expect(await refused({ signer: "signer" })).to.contain("node.json5, signers.0: ");
    const args = ["--folder", folder, ...NETWORK, "--node", String(fast), "--endpoint", given.endpoint];
    expect(await messageOf(run(world, "node init", args, miners[0]))).to.contain("option '--signer <URL...>' not");
  });
});

describe("turingfog order list", () => {
  it("lists what an account has bought, and what of it was spent", async () => {
    const world = await rented();
    const printed = await run(world, "order list", NETWORK);
    expect(printed).to.match(
      new RegExp(
        `  ${world.orderId} +${world.fast} +1\\.0 TU +0\\.0 TU +0\\.4 USD +0\\.0 USD +- +this account +until 20`,
      ),
    );
    expect(await run(world, "order list", [...NETWORK, "--open"], world.stranger)).to.contain("has no open orders");
  });

  it("says from when an order that has ended can be closed", async () => {
    const world = await rented();
    const { escrow } = world.protocol.contracts;
    await escrow.connect(world.renter).stop(world.orderId);
    await time.increase(1);
    const { from } = await escrow.refundable(world.orderId);
    expect(await run(world, "order list", NETWORK)).to.contain(`can be closed from ${formatInstant(from)}`);
    await time.increaseTo(from);
    const [{ state, closableFrom }] = (
      JSON.parse(await run(world, "order list", [...NETWORK, "--json"])) as {
        orders: { state: string; closableFrom: string }[];
      }
    ).orders;
    expect([state, BigInt(closableFrom)]).to.deep.equal(["ended", from]);
    expect(await run(world, "order list", NETWORK)).to.match(/can be closed$/m);
  });
});

/** Runs a command that prints and then ends with an exit code, and returns both. */
async function ending(command: string, args: string[]): Promise<[number, string]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    const code = await runCommand(await program(command.split(" ")), [...command.split(" "), ...args]);
    return [code, lines.join("\n")];
  } finally {
    console.log = log;
  }
}

describe("turingfog order status", () => {
  it("shows what the chain says when the node gives no answer, and ends with 1", async () => {
    const world = await rented();
    const { orderId, folder, books } = world;
    const [code, printed] = await ending("order status", [folder, "--deployments", books]);
    expect(code).to.equal(1);
    expect(printed).to.match(new RegExp(`  order +${orderId}\n  chain +open until 20`));
    expect(printed).to.match(
      /\n {2}left +0\.4 USD\n {2}node +no answer: 127\.0\.0\.1:9 gives no answer \(unreachable\)/,
    );
    const [, json] = await ending("order status", [folder, "--deployments", books, "--json"]);
    const { noAnswer, chain } = JSON.parse(json) as { noAnswer: string; chain: { isOpen: boolean; state: string } };
    expect(noAnswer).to.contain("unreachable");
    expect(chain).to.include({ isOpen: true, state: "running" });
  });

  it("tells by the time of the latest block that an order has ended", async () => {
    const world = await rented();
    const { orderId, folder, books, escrow } = world;
    const { endsAt } = await escrow.order(orderId);
    await time.increaseTo(endsAt);
    const [, printed] = await ending("order status", [folder, "--deployments", books]);
    expect(printed).to.contain(`chain    ended ${formatInstant(endsAt)}, not closed`);
  });
});

describe("An order's node at another address", () => {
  /** Runs a test with an order whose folder has a closed address, and a node that its document has elsewhere. */
  async function withMoved(
    test: (world: Awaited<ReturnType<typeof rented>> & { endpoint: string; recipient: string }) => Promise<void>,
  ): Promise<void> {
    const state = { state: "running", reason: "", heldSeconds: 7, images: 0, cumulativeTU: "5" };
    const server = createServer((_, response) => response.end(JSON.stringify(state))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const world = await rented();
      const folder = path.join(temporaryFolder(), "node");
      const node = ["--folder", folder, ...NETWORK, "--node", String(world.fast), "--signer", "https://signer.example"];
      const args = [...node, "--endpoint", endpoint, "--publish", "data", "--json"];
      const { document } = JSON.parse(await run(world, "node init", args, world.miners[0])) as {
        document: { encryptionKey: string };
      };
      await test({ ...world, endpoint, recipient: document.encryptionKey });
    } finally {
      server.close();
    }
  }

  /** Runs `turingfog order status` of a folder, and returns its exit code, what it printed and what it noted. */
  async function status(folder: string, books: string): Promise<{ code: number; printed: string; noted: string }> {
    const notes: string[] = [];
    const { error } = console;
    console.error = (line: string) => notes.push(line);
    const ended = ending("order status", [folder, "--deployments", books]);
    const [code, printed] = await ended.finally(() => (console.error = error));
    return { code, printed, noted: notes.join("\n") };
  }

  it("is asked where its document on the chain has it, which the folder remembers", () =>
    withMoved(async ({ usd, orderId, fast, renter, books, endpoint, recipient }) => {
      const closed = { endpoint: "http://127.0.0.1:9", recipient };
      const folder = await folderOf(orderId, await usd.getAddress(), fast, renter.address, closed);
      const { code, printed, noted } = await status(folder, books);
      expect(code).to.equal(0);
      expect(printed).to.contain("in 7 s");
      expect(noted)
        .to.contain(`Node ${fast} does not answer at http://127.0.0.1:9`)
        .and.contain(`is at ${endpoint} now`);
      expect((await new Rental(folder).read()).endpoint).to.equal(endpoint);
      expect((await status(folder, books)).noted).not.to.contain("does not answer");
    }));

  it("is not asked if it has another key than the job was sealed for", () =>
    withMoved(async ({ folder, fast, books, endpoint }) => {
      const { code, printed, noted } = await status(folder, books);
      expect(code).to.equal(1);
      expect(printed).to.contain("no answer: 127.0.0.1:9");
      expect(noted).to.contain(`Node ${fast} has another key by its document at ${endpoint}`);
      expect((await new Rental(folder).read()).endpoint).to.equal("http://127.0.0.1:9");
    }));

  it("is looked for by send and result too", () =>
    withMoved(async ({ usd, orderId, fast, renter, books, endpoint, recipient }) => {
      const closed = { endpoint: "http://127.0.0.1:9", recipient };
      const lost = () => folderOf(orderId, usd.target as string, fast, renter.address, closed);
      for (const [command, ...options] of [["order send", "--wait", "0"], ["order result"]]) {
        const folder = await lost();
        await writeSecret(path.join(folder, "job.key"), (await newAgeKey()).identity);
        await thrownBy(printedFor(renter, command, [folder, "--deployments", books, ...options]));
        expect((await new Rental(folder).read()).endpoint, command).to.equal(endpoint);
      }
    }));

  it("is not looked for as long as it answers, whatever it says", async () => {
    const world = await rented();
    const server = createServer((_, response) =>
      response.writeHead(404).end('{"error":"unknown-order","message":"No"}'),
    );
    await once(server.listen(0, "127.0.0.1"), "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { usd, orderId, fast, renter, books } = world;
    const folder = await folderOf(orderId, await usd.getAddress(), fast, renter.address, {
      endpoint,
      recipient: "age1",
    });
    const { printed, noted } = await status(folder, books).finally(() => server.close());
    expect(printed).to.contain("no answer: ");
    expect(noted).not.to.contain("document");
  });
});

describe("turingfog order log", () => {
  const told = { heldSeconds: 0, images: 0, cumulativeTU: "0" };
  const events = (...states: object[]) => states.map((each) => `data: ${JSON.stringify({ ...told, ...each })}\n\n`);

  it("says that the node has not taken an order on yet, and ends with 1 if it refuses", async () => {
    const world = await rented();
    const { orderId, usd, fast, renter } = world;
    const refused = events({ state: "unknown", reason: "" }, { state: "refused", reason: "no such runner" });
    const server = createServer((_, response) => response.end(refused.join(""))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const folder = await folderOf(orderId, await usd.getAddress(), fast, renter.address, {
      endpoint,
      recipient: "age1",
    });
    await writeSecret(path.join(folder, "result.key"), (await newAgeKey()).identity);
    const outcome = await ending("order log", [folder]).finally(() => server.close());
    expect(outcome).to.deep.equal([
      1,
      `the node has not taken the order on yet\nrefused: no such runner, 0 s, 0.0 TU\nThe node has ended with order ${orderId}: refused`,
    ]);
  });
});

describe("turingfog order transfer", () => {
  it("hands an order over, and says that the new holder must send a grant", async () => {
    const world = await rented();
    const { escrow, orderId, folder, stranger, renter } = world;
    const notes: string[] = [];
    const { error } = console;
    console.error = (line: string) => notes.push(line);
    const printed = await run(world, "order transfer", [folder, "--to", stranger.address]).finally(() => {
      console.error = error;
    });
    expect(printed).to.contain(`    - ${renter.address}\n    + ${stranger.address}`);
    expect(notes.join("\n")).to.contain(`runs turingfog order send ${folder} with their own key`);
    expect(await escrow.ownerOf(orderId)).to.equal(stranger.address);
    expect(await messageOf(run(world, "order transfer", [folder, "--to", renter.address]))).to.equal(
      `Order ${orderId} is held by ${stranger.address}, not by ${renter.address}`,
    );
    expect(await thrownBy(run(world, "order transfer", [folder, "--to", stranger.address]))).to.be.instanceOf(
      UsageError,
    );
  });

  it("refuses an order whose refund is promised", async () => {
    const world = await loadFixture(offered);
    const { protocol, renter, usd, fast, stranger } = world;
    const terms = { nodeId: fast, maxUnitPrice: PRICE, refundTo: stranger.address };
    const orderId = await openOrder(protocol, renter, usd, terms);
    const folder = await folderOf(orderId, await usd.getAddress(), fast, renter.address);
    expect(await messageOf(run(world, "order transfer", [folder, "--to", stranger.address]))).to.equal(
      `Order ${orderId} cannot be handed over: its refund is promised to ${stranger.address}`,
    );
  });
});
