import { HOUR } from "@turingfog/sdk";
import { ReceiptTree } from "@turingfog/sdk/wire";
import { id } from "ethers";
import type { Page } from "playwright-core";

import { submitRoot } from "../../web/scene";
import { pass, RENTER, type Tests } from "./acting";

/** Rows of a table, as the index has sent them. */
type Rows = Record<string, string | null>[];

/** Lets the index lie: each answer is changed before the page hears it. */
async function lie(page: Page, url: string, change: (answer: Record<string, Rows | null>) => void): Promise<void> {
  await page.route(`${url}/sql/**`, async (route) => {
    const response = await route.fetch();
    const body = (await response.json()) as { rows: Record<string, Rows | null>[] };
    for (const row of body.rows) change(row);
    await route.fulfill({ response, json: body });
  });
}

export const INDEX_TESTS: Tests = {
  "checks a root's file against the chain, whatever the index says [slow]": async (stage) => {
    const world = await stage.world();
    const { root } = await ReceiptTree.of(await submitRoot(world.provider, world.book, world.files, 180n));
    const other = id("a root that nobody has signed");
    const { page } = await stage.open(`root/${root}`, RENTER);
    const check = page.getByRole("button", { name: "Download and check" });
    let told: Rows = [];
    await lie(page, world.index.url, (answer) => {
      const roots = answer.roots ?? [];
      if (roots.length > 0) told = roots;
      answer.roots = told.map((row) => ({ ...row, dataHash: id("no file") }));
    });
    await page.locator(`.terms [data-id="${id("no file")}"]`).waitFor();
    await check.click();
    await page.getByText("The file is right").waitFor();

    await page.goto(`${world.url}#/localhost/root/${other}`);
    await page.locator(`.subject[data-id="${other}"]`).waitFor();
    await check.click();
    await page.getByText(`The oracle has not taken ${other}`).waitFor();
  },

  "says so when the index does not follow the chain, and not when the chain is quiet [slow]": async (stage) => {
    const world = await stage.world();
    const { page } = await stage.open("supply", RENTER);
    await page.locator('[data-fact="supply::total"]').waitFor();
    const status = `${world.index.url}/status`;
    const told = (await (await fetch(status)).json()) as object;
    await page.route(status, (route) => route.fulfill({ json: told, headers: { "access-control-allow-origin": "*" } }));
    await pass(world, HOUR);
    const late = page.getByText(/The index at .* has read the chain up to block \d+, which is \d+ minutes older/);
    await late.waitFor();
    await page.unroute(status);
    await late.waitFor({ state: "detached" });
  },
};
