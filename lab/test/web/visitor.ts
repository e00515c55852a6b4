import type { Browser, Page } from "playwright-core";

import { ShownWorld } from "../../web/world";
import { launchChromium } from "../browser/chromium";
import { MockWallet } from "./mockWallet";

/** One world and one browser for all tests, begun by the first that asks. */
export class Stage {
  private begun?: Promise<[ShownWorld, Browser]>;

  /** Returns the world. */
  async world(): Promise<ShownWorld> {
    return (await this.begin())[0];
  }

  /** Opens a place of the page beside a wallet of an account. */
  async open(place: string, account: string): Promise<{ world: ShownWorld; page: Page; wallet: MockWallet }> {
    const [world, browser] = await this.begin();
    const page = await (await browser.newContext()).newPage();
    const wallet = new MockWallet(world.provider, account, world.book.chainId);
    await wallet.enter(page);
    await page.goto(`${world.url}#/localhost/${place}`);
    return { world, page, wallet };
  }

  async end(): Promise<void> {
    if (this.begun === undefined) return;
    const [world, browser] = await this.begun;
    await browser.close();
    await world.stop();
  }

  private begin(): Promise<[ShownWorld, Browser]> {
    this.begun ??= (async () => {
      const world = await ShownWorld.start(0, () => undefined);
      return [world, await launchChromium()];
    })();
    return this.begun;
  }
}
