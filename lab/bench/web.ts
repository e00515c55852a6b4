import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf, table, wholeNumber } from "@turingfog/cli";
import type { Browser } from "playwright-core";

import { launchChromium } from "../test/browser/chromium";
import { servePage } from "../web/serve";
import { buildPage } from "../web/world";
import { BOOK, StandIn } from "./web/standIn";

const NODES = 1_000;

/** Milliseconds at the 95th percentile. */
const LIMITS = { first: 1_000, filter: 100 };

/** The pages with a table of all nodes, and of the latest orders, with words that find different numbers of rows. */
const PAGES = [
  { name: "market", words: ["v100", "", "titan", "unattested", "rtx 2080", "attested v100"] },
  { name: "orders", words: ["open", "", "closed", "usd", "ended", "0x"] },
];

interface Measured {
  page: string;
  what: keyof typeof LIMITS;
  /** Milliseconds: the median, and the 95th percentile. */
  median: number;
  p95: number;
  limit: number;
}

async function run(values: { check: boolean; orders: string; visits: string }, output: Output): Promise<number> {
  const [orders, visits] = [wholeNumber("orders", values.orders, 1), wholeNumber("visits", values.visits, 1)];
  output.say(`Filling an index with ${orders} orders and ${NODES} nodes…`);
  const index = await StandIn.start(NODES, orders);
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-bench-web-"));
  try {
    const network = { chain: "localhost", rpc: `${index.url}/rpc`, index: index.url, book: BOOK };
    const [server, url] = await servePage(await buildPage(folder, { networks: [network] }), 0);
    const browser = await launchChromium();
    try {
      const measured: Measured[] = [];
      for (const page of PAGES) measured.push(...(await measure(browser, url, page, visits)));
      const rows = measured.map(({ page, what, median, p95, limit }) => [
        page,
        what,
        ...[median, p95, limit].map((ms) => ms.toFixed(0)),
      ]);
      output.result(
        { orders, nodes: NODES, measured },
        table([["page", "what", "median ms", "p95 ms", "limit"], ...rows]),
      );
      return values.check && measured.some(({ p95, limit }) => p95 > limit) ? 1 : 0;
    } finally {
      await browser.close();
      server.close();
    }
  } finally {
    await index.stop();
    await rm(folder, { recursive: true });
  }
}

async function measure(browser: Browser, url: string, { name, words }: (typeof PAGES)[number], visits: number) {
  const [first, filter]: [number[], number[]] = [[], []];
  for (let i = 0; i < visits; ++i) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(WATCH);
    await page.goto(`${url}#/localhost/${name}`);
    first.push(await page.evaluate<number>("firstRow"));
    filter.push(...(await page.evaluate<number[]>(`(${FILTER})(${JSON.stringify(words)})`)));
    await context.close();
  }
  return [summary(name, "first", first), summary(name, "filter", filter)];
}

function summary(page: string, what: Measured["what"], times: readonly number[]): Measured {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return { page, what, median: at(0.5), p95: at(0.95), limit: LIMITS[what] };
}

/** Runs in the page before it loads: tells when the first row of a table stands there, since the navigation began. */
const WATCH = `globalThis.firstRow = new Promise((resolve) => {
  const look = () => document.querySelector(".body .row") ? resolve(performance.now()) : requestAnimationFrame(look);
  look();
});`;

/** Runs in the page: types words into the search field, and tells how long each takes until the table shows what it finds. */
const FILTER = `async (words) => {
  const field = document.querySelector("input[type=search]");
  const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  const frame = document.querySelector(".table-frame");
  const shown = () => document.querySelector(".search output").textContent + (frame.querySelector(".empty")?.textContent ?? "");
  const times = [];
  for (const word of words) {
    const before = shown();
    const begun = performance.now();
    setValue.call(field, word);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    while (shown() === before && performance.now() - begun < 2000) await new Promise(requestAnimationFrame);
    times.push(performance.now() - begun);
  }
  return times;
}`;

main(
  newCommand({
    description: `Measures the page with an index of many orders and 1,000 nodes: when the first row of a table stands there, and how
long the table's filter takes.

--check ends with 1 when the 95th percentile is above 1 s, or above 100 ms for the filter.`,
    examples: ["npm run bench:web -- --check"],
  })
    .name("npm run bench:web --")
    .option("--check", "fail above the limits", false)
    .option("--orders <N>", "orders in the index", "100000")
    .option("--visits <N>", "times that each page is visited", "20")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
