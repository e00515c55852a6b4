import { HOUR, MINUTE, TU } from "@turingfog/sdk";
import { ReceiptTree } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { submitRoot } from "../../web/scene";
import type { ShownWorld } from "../../web/world";
import { clientOf, contractsOf, NODE, pass, RENTER, shows, type Tests } from "./acting";
import { makeClaimable } from "./selling";

/** Opens an order of half a TU on the node, paid in TFT, and returns its id. */
async function order(world: ShownWorld): Promise<bigint> {
  const fog = await clientOf(world, RENTER);
  const { tft, escrow } = fog.contracts;
  const { unitPrice } = await fog.contracts.registry.listing(NODE, tft);
  await (await tft.approve(escrow, unitPrice)).wait();
  const asset = await tft.getAddress();
  const terms = { nodeId: NODE, asset, tuAmount: TU / 2n, maxUnitPrice: unitPrice, duration: HOUR };
  return (await fog.openOrder(terms)).orderId;
}

export const MINING_TESTS: Tests = {
  "shows what a receipt of a pending root will earn, which its settlement then pays [slow]": async (stage) => {
    const world = await stage.world();
    const { escrow, oracle, registry, tft } = contractsOf(world);
    const orderId = await order(world);
    await pass(world, 2n * MINUTE);
    const receipts = await submitRoot(world.provider, world.book, world.files, MINUTE);
    const { root } = await ReceiptTree.of(receipts);

    const { payout } = await registry.node(NODE);
    const { page } = await stage.open(`mining/${payout.toLowerCase()}`, RENTER);
    const earned = page.locator(`[data-fact="receipt:${root}/${orderId}/${NODE}:earned"]`);
    await page.getByRole("button", { name: "Read the files" }).click();
    const promised = BigInt((await earned.getAttribute("value")) ?? 0);
    expect(promised > 0n).to.equal(true);

    await pass(world, await oracle.VETO_WINDOW());
    await shows(page, `root:${root}:status`, "Final");
    const fog = await clientOf(world, RENTER);
    await fog.settle(await tft.getAddress(), await ReceiptTree.of(receipts));
    const [settled] = await escrow.queryFilter(escrow.filters.ReceiptSettled(orderId));
    expect(settled.args.earned).to.equal(promised);
    await earned.waitFor({ state: "detached" });
  },

  "claims all that a miner can claim [slow]": async (stage) => {
    const world = await stage.world();
    const { miner, ids } = await makeClaimable(world);
    const { pool, tft } = contractsOf(world);
    const [amount, before] = [await pool.claimable(miner, ids), await tft.balanceOf(miner)];
    const { page, wallet } = await stage.open(`mining/${miner}`, miner);
    await wallet.connect(page);
    await shows(page, `miner:${miner}:claimable`, amount);
    wallet.isRefusing = true;
    await page.getByRole("button", { name: "Claim all" }).click();
    await page.getByText("You have refused it in the wallet. Nothing was sent.").waitFor();
    expect(await pool.claimable(miner, ids)).to.equal(amount);

    wallet.isRefusing = false;
    await page.getByRole("button", { name: "Claim all" }).click();
    await shows(page, `miner:${miner}:claimable`, 0n);
    expect((await tft.balanceOf(miner)) - before).to.equal(amount);
  },

  "sets the recipient, whom another's claim then pays [slow]": async (stage) => {
    const world = await stage.world();
    const { miner, ids } = await makeClaimable(world);
    const { pool, tft } = contractsOf(world);
    const recipient = `0x${"5e".repeat(20)}`;
    const own = await stage.open(`mining/${miner}`, miner);
    await own.wallet.connect(own.page);
    await own.page.getByLabel("Recipient", { exact: true }).fill(recipient);
    await own.page.getByRole("button", { name: "Set the recipient" }).click();
    await own.page.getByText("The recipient is set.").waitFor();
    expect((await pool.recipientOf(miner)).toLowerCase()).to.equal(recipient);

    const [amount, before] = [await pool.claimable(miner, ids), await tft.balanceOf(recipient)];
    const other = await stage.open(`mining/${miner}`, RENTER);
    await other.wallet.connect(other.page);
    await other.page.getByRole("button", { name: "Claim all" }).click();
    await other.page.getByText("All that was claimable is paid.").waitFor();
    expect((await tft.balanceOf(recipient)) - before).to.equal(amount);
  },
};
