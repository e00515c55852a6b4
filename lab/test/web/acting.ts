import { connectContracts, readOrders, type SystemContracts, TuringFog } from "@turingfog/sdk/ethers";
import type { FrameLocator, Page } from "playwright-core";

import type { ShownWorld } from "../../web/world";
import type { Stage } from "./visitor";

/** Tests of the page by their titles, which share one stage. */
export type Tests = Readonly<Record<string, (stage: Stage) => Promise<void>>>;

/** The treasury of the local parameters, which has TFT, and an account that has nothing to do with it. */
export const RENTER = "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f";
export const HEIR = "0x71be63f3384f5fb98995898a86b02fb2426c5788";

/** The demo's RTX 2080 Ti, which takes TFT. */
export const NODE = 30_064_771_079n;

export const contractsOf = ({ book, provider }: ShownWorld): SystemContracts =>
  connectContracts(book.addresses, provider);

/** A client of an account that the node signs for. */
export async function clientOf({ book, provider }: ShownWorld, account: string): Promise<TuringFog> {
  return new TuringFog(book.addresses, await provider.getSigner(account), { since: book.firstBlock });
}

/** Lets seconds pass on the chain. */
export async function pass({ provider }: ShownWorld, seconds: bigint): Promise<void> {
  await provider.send("evm_increaseTime", [Number(seconds)]);
  await provider.send("evm_mine", []);
}

/** The last order that an account has paid for. */
export async function lastOrderOf(world: ShownWorld, account: string) {
  const range = { provider: world.provider, since: world.book.firstBlock };
  const order = (await readOrders(contractsOf(world), range, { account })).at(-1);
  if (order === undefined) throw new Error(`${account} has no order`);
  return order;
}

/** The page, by itself or in a frame. */
export type Place = Page | FrameLocator;

/** Fills in the form of an order for half a TU, to be paid in TFT. */
export async function fillForm(page: Place): Promise<void> {
  await page.getByLabel("Paid in").selectOption({ label: "TFT" });
  await page.getByLabel("TU to buy").fill("0.5");
}

export const openButton = (page: Place) => page.getByRole("button", { name: "Pay the deposit and open the order" });

/** Waits until the page shows a fact with a value. */
export const shows = (page: Place, fact: string, value: bigint | string) =>
  page
    .locator(`[data-fact="${fact}"]`)
    .and(page.locator(`[value="${value}"], [data-value="${value}"]`))
    .first()
    .waitFor();
