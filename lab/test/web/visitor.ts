import type { Browser, Page } from "playwright-core";

import { ShownWorld } from "../../web/world";
import { launchChromium } from "../browser/chromium";
import { MockSafe } from "./mockSafe";
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

  /** Opens a place of the page in a frame of a window of an origin, which speaks as a Safe. */
  async frame(place: string, account: string, origin: string) {
    const [world, browser] = await this.begin();
    // the window around it is of a public host, the page of this machine
    const context = await browser.newContext({ permissions: ["local-network-access"] });
    const page = await context.newPage();
    const safe = new MockSafe(world.provider, account, world.book.chainId);
    const frame = await safe.frame(page, origin, `${world.url}#/localhost/${place}`);
    return { world, page, safe, frame };
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
