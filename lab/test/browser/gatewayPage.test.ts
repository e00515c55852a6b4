import { expect } from "chai";

import { advance, withGateway } from "../../../packages/network/test/helpers/gatewayWorld";
import { CHROMIUM_MISSING, isChromiumRequired, launchChromium } from "./chromium";

describe("a card gateway's page in Chromium", () => {
  const title = "leads from the offer to the result by the keyboard alone, with scripts switched off [slow]";

  if (!isChromiumRequired()) {
    it(`${title}: left out, as ${CHROMIUM_MISSING}`);
    return;
  }

  it(title, () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { body: quote } = await gateway.quote();
      const browser = await launchChromium();
      try {
        const page = await browser.newPage({ javaScriptEnabled: false });
        const refused: string[] = [];
        page.on("console", (message) => refused.push(message.text()));
        await page.goto(`${gateway.url}/pay/${quote.id}`);
        expect(await page.getByRole("heading", { level: 1 }).textContent()).to.equal(
          "This is an offer. Nothing is paid yet.",
        );
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        const link = page.getByRole("link", { name: "Pay 9.45 EUR by card" });
        await link.waitFor();
        const [{ id, url }] = world.stripe.sessions.values();
        expect(await link.getAttribute("href")).to.equal(url);
        world.stripe.pay(id);
        await world.deliver(gateway.url);
        await advance(given, 4);
        await page.getByRole("link", { name: "Look again" }).press("Enter");
        const step = page.getByRole("list", { name: "Progress" }).locator("[aria-current=step]");
        expect(await step.textContent()).to.equal("Result");
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("link", { name: "out/words.txt" }).press("Enter"),
        ]);
        expect(download.suggestedFilename()).to.equal("words.txt");
        expect(refused).to.deep.equal([]);
      } finally {
        await browser.close();
      }
    }),
  );
});
