import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { newAgeKey, sealResult } from "@turingfog/network";
import { DAY, depositOf, formatAmount, TU } from "@turingfog/sdk";
import { type OrderRecord, readOrders } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id } from "ethers";

import type { ShownWorld } from "../../web/world";
import { CHROMIUM_MISSING, isChromiumRequired } from "../browser/chromium";
import { contractsOf, fillForm, HEIR, lastOrderOf, NODE, openButton, pass, RENTER, shows, type Tests } from "./acting";
import { INDEX_TESTS } from "./indexTests";
import { MINING_TESTS } from "./miningTests";
import { SAFE_TESTS } from "./safeTests";
import { TRADE_TESTS } from "./tradeTests";
import { Stage } from "./visitor";

/** What a job says beside the terms of its order. */
const JOB_TERMS = {
  salt: id("a salt"),
  runner: "hash",
  slots: {},
  imagesPerTU: 0n,
  holdback: 0n,
  progress: "public",
} as const;

function termsOf({ book }: ShownWorld, { asset, tuAmount, holder }: OrderRecord) {
  const escrow = book.addresses.escrow.toLowerCase();
  return { chainId: BigInt(book.chainId), escrow, asset: asset.toLowerCase(), tuAmount, renter: holder.toLowerCase() };
}

describe("the page with a wallet", () => {
  const titles = {
    life: "lives the whole life of an order: quote, permit, acknowledgement, stop, hand-over, close [slow]",
    joint: "opens a joint order at the price that the renter names [slow]",
    refused: "says that a signature was refused, and sends nothing [slow]",
    elsewhere: "asks a wallet on another chain to switch, and then acts [slow]",
    error: "says a contract's error in words [slow]",
    result: "decrypts a result in the browser, and refuses another order's [slow]",
    reorganised: "forgets an order that a reorganisation took back [slow]",
    gone: "keeps what it has read while index and node are gone, and goes on once they are back [slow]",
  };
  const more: Tests = { ...MINING_TESTS, ...TRADE_TESTS, ...SAFE_TESTS, ...INDEX_TESTS };
  if (!isChromiumRequired()) {
    for (const title of [...Object.values(titles), ...Object.keys(more)])
      it(`${title}: left out, as ${CHROMIUM_MISSING}`);
    return;
  }
  const stage = new Stage();
  after(() => stage.end());

  it(titles.life, async () => {
    const { world, page, wallet } = await stage.open(`node/${NODE}`, RENTER);
    const { escrow, registry, tft } = contractsOf(world);
    await wallet.connect(page);
    await fillForm(page);
    const { unitPrice } = await registry.listing(NODE, world.book.addresses.tft);
    const deposit = depositOf(TU / 2n, unitPrice);
    await page.getByText(`The deposit is ${formatAmount(deposit, 18, 6).replace(/0+$/, "")} TFT`).waitFor();
    await openButton(page).click();
    await page.getByText("The order is open.").waitFor();
    const { orderId, deposit: paid } = await lastOrderOf(world, RENTER);
    expect(paid).to.equal(deposit);

    await page.goto(`${world.url}#/localhost/order/${orderId}`);
    await shows(page, `order:${orderId}:deposit`, deposit);
    await page.getByLabel("TU delivered so far").fill("0.2");
    await page.getByRole("button", { name: "Acknowledge and pay" }).click();
    await shows(page, `order:${orderId}:tuSettled`, TU / 5n);
    // nothing is paid for what is settled already
    await page.getByRole("button", { name: "Acknowledge and pay", disabled: true }).waitFor();

    await page.getByRole("button", { name: "Stop the order" }).click();
    await page.locator("dt", { hasText: /^Stopped$/ }).waitFor();

    await page.getByLabel("To", { exact: true }).fill(HEIR);
    await page.getByRole("button", { name: "Hand the order over" }).click();
    await page.locator(`.terms [data-id="${HEIR}"]`).waitFor();
    expect(await escrow.ownerOf(orderId)).to.equal((await lastOrderOf(world, HEIR)).holder);

    const { amount: rest } = await escrow.refundable(orderId);
    const before = await tft.balanceOf(HEIR);
    await pass(world, 4n * DAY);
    await page.getByText("Anybody can close it now.").waitFor();
    await page.getByRole("button", { name: "Close the order" }).click();
    await shows(page, `order:${orderId}:refund`, rest);
    expect((await tft.balanceOf(HEIR)) - before).to.equal(rest);
  });

  it(titles.joint, async () => {
    const { world, page, wallet } = await stage.open("orders", RENTER);
    await wallet.connect(page);
    await page.getByLabel("Paid in").selectOption({ label: "TFT" });
    await page.getByLabel("TU to buy").fill("2");
    await page.getByLabel("TFT for a TU").fill("150.5");
    await page.getByText("The deposit is 301 TFT").waitFor();
    await page.getByRole("button", { name: "Pay the deposit and open the joint order" }).click();
    await page.getByText("The joint order is open.").waitFor();
    const { nodeId, deposit, orderId } = await lastOrderOf(world, RENTER);
    expect([nodeId, deposit]).to.deep.equal([0n, 301n * TU]);
    await shows(page, `order:${orderId}:deposit`, deposit);
  });

  it(titles.refused, async () => {
    const { world, page, wallet } = await stage.open(`node/${NODE}`, RENTER);
    await wallet.connect(page);
    await fillForm(page);
    const before = await world.provider.getTransactionCount(RENTER);
    wallet.isRefusing = true;
    await openButton(page).click();
    await page.getByText("You have refused it in the wallet. Nothing was sent.").waitFor();
    expect(await world.provider.getTransactionCount(RENTER)).to.equal(before);
  });

  it(titles.elsewhere, async () => {
    const { world, page, wallet } = await stage.open(`node/${NODE}`, RENTER);
    wallet.chainId = 1;
    await wallet.connect(page);
    await fillForm(page);
    await page.getByText(`The wallet is on chain 1, the page shows chain ${world.book.chainId}.`).waitFor();
    await page.getByRole("button", { name: "Switch the wallet to a local node" }).click();
    await openButton(page).click();
    await page.getByText("The order is open.").waitFor();
  });

  it(titles.error, async () => {
    const { world, page, wallet } = await stage.open(`node/${NODE}`, RENTER);
    await wallet.connect(page);
    await fillForm(page);
    const { registry } = contractsOf(world);
    const { tft } = world.book.addresses;
    const { owner } = await registry.node(NODE);
    const own = registry.connect(await world.provider.getSigner(owner));
    const { unitPrice, capacityTU } = await registry.listing(NODE, tft);
    // the node takes most of its offer back, and the page has not heard of it
    await page.route(`${world.index.url}/**`, (route) => route.abort());
    await (await own.setListing(NODE, tft, unitPrice, TU / 10n)).wait();
    try {
      await openButton(page).click();
      await page.getByText(/The registry of nodes refuses: capacity exceeded .*Registry_CapacityExceeded/).waitFor();
    } finally {
      await (await own.setListing(NODE, tft, unitPrice, capacityTU)).wait();
    }
  });

  it(titles.result, async () => {
    const { world, page } = await stage.open("orders", RENTER);
    const range = { provider: world.provider, since: world.book.firstBlock };
    const [order] = (await readOrders(contractsOf(world), range)).filter(({ nodeId }) => nodeId !== 0n);
    const key = await newAgeKey();
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-result-"));
    try {
      for (const [name, nodeId] of [
        ["own.age", order.nodeId],
        ["other.age", order.nodeId + 1n],
      ] as const) {
        const files = [{ path: "output/model.bin", content: Buffer.from("weights") }];
        await sealResult(
          { ...JOB_TERMS, ...termsOf(world, order), nodeId, resultTo: key.recipient },
          files,
          path.join(folder, name),
        );
      }
      await page.goto(`${world.url}#/localhost/order/${order.orderId}`);
      await page.getByLabel("The key in result.key").fill(key.identity);
      await page.getByLabel("The encrypted result").setInputFiles(path.join(folder, "own.age"));
      await page.getByRole("button", { name: "Decrypt" }).click();
      const saved = page.waitForEvent("download");
      await page.locator("li", { hasText: "output/model.bin" }).getByRole("button", { name: "Save" }).click();
      expect(await readFile(await (await saved).path(), "utf8")).to.equal("weights");

      await page.getByLabel("The encrypted result").setInputFiles(path.join(folder, "other.age"));
      await page.getByRole("button", { name: "Decrypt" }).click();
      await page.getByText(/it is the result of another order/).waitFor();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it(titles.reorganised, async () => {
    const { world, page, wallet } = await stage.open(`node/${NODE}`, RENTER);
    await wallet.connect(page);
    await fillForm(page);
    const snapshot = (await world.provider.send("evm_snapshot", [])) as string;
    await openButton(page).click();
    await page.getByText("The order is open.").waitFor();
    const { orderId, deposit } = await lastOrderOf(world, RENTER);
    await page.goto(`${world.url}#/localhost/order/${orderId}`);
    await shows(page, `order:${orderId}:deposit`, deposit);

    await world.provider.send("evm_revert", [snapshot]);
    await world.provider.send("hardhat_mine", ["0x3"]);
    await page.getByText("No order was ever opened under this id.").waitFor();
  });

  it(titles.gone, async () => {
    const { world, page } = await stage.open("supply", RENTER);
    await page.locator('[data-fact="supply::total"]').waitFor();
    const total = await page.locator('[data-fact="supply::total"]').innerText();
    const services = (url: URL) => world.hosts.includes(url.host) && url.host !== new URL(world.url).host;
    await page.route(services, (route) => route.abort());
    await page.getByText(/The index at .* did not answer: no connection/).waitFor();
    await page.getByText(/The node at .* did not answer: no connection/).waitFor();
    expect(await page.locator('[data-fact="supply::total"]').innerText()).to.equal(total);
    await page.getByText("the last that the index told").waitFor();

    await page.unroute(services);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("alert").first().waitFor({ state: "detached" });
  });

  for (const [title, test] of Object.entries(more)) it(title, () => test(stage));
});
