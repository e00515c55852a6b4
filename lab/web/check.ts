import { mkdir } from "node:fs/promises";
import path from "node:path";

import { connectContracts } from "@turingfog/sdk/ethers";
import type { Page } from "playwright-core";

import { launchChromium } from "../test/browser/chromium";
import { readFact } from "./facts";
import { History } from "./facts/history";
import { misreading } from "./shown";
import { type Visit, Visitor, type Width } from "./visitor";
import type { ShownWorld } from "./world";

/** What a check has found. */
export interface Report {
  pages: number;
  /** Numbers and words that were compared. */
  compared: number;
  faults: string[];
  text: string;
}

/** The places that the navigation leads to. */
const PLACES = ["supply", "market", "auctions", "oracle", "mining", "orders"].map((name) => `#/localhost/${name}`);

/** The most places of a kind that are visited; those of a list are taken evenly from all of it. */
const MOST: Readonly<Record<string, number>> = { order: 6, node: 5, round: 6, root: 6, mining: 3, address: 6, tx: 8 };

/** Faults that are told in full. */
const MOST_TOLD = 40;

/** Visits the page in Chromium and compares what it shows with the chain. */
export async function checkPage(
  world: ShownWorld,
  folder: string | undefined,
  say: (text: string) => void,
): Promise<Report> {
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const { addresses, firstBlock } = world.book;
  const contracts = connectContracts(addresses, world.provider);
  const history = await History.read(contracts, addresses, world.provider, firstBlock, world.files);
  const browser = await launchChromium();
  try {
    const visits: Visit[] = [];
    for (const width of ["wide", "phone"] as const) {
      const visitor = await Visitor.enter(browser, world.url, world.hosts, width);
      say(`Visiting the page, ${width}…`);
      visits.push(...(await visitAll(visitor, history, width, folder)));
      const stray = Array.from(visitor.strayRequests, (url) => `a request to another host: ${url}`);
      if (stray.length > 0) visits.push({ place: "", block: "", shown: [], links: [], faults: stray });
      await visitor.leave();
    }
    return await reportOn(history, visits);
  } finally {
    await browser.close();
  }
}

async function visitAll(visitor: Visitor, history: History, width: Width, folder?: string): Promise<Visit[]> {
  const visits: Visit[] = [];
  const seen = new Set<string>();
  const pictured = new Set<string>();
  const visit = async (place: string) => {
    seen.add(place);
    visits.push(await visitor.visit(place, (page) => checkFile(page, history)));
    const kind = place
      .split("/")
      .slice(2, 3)
      .concat(place.split("/").length > 3 ? "one" : [])
      .join("-");
    if (folder === undefined || pictured.has(kind)) return;
    pictured.add(kind);
    await visitor.screenshot(path.join(folder, `${kind}-${width}.png`));
  };
  for (const place of PLACES) await visit(place);
  // the links of lists, then those of what the lists link to
  for (let depth = 0; depth < 2; ++depth) {
    for (const place of chosen(visits, seen)) await visit(place);
  }
  return visits;
}

/** Lets the page of a root check its file, if there is one to be fetched. */
async function checkFile(page: Page, { files }: History): Promise<void> {
  const button = page.getByRole("button", { name: "Download and check" });
  const hashes = await page.evaluate<string[]>(
    "[...document.querySelectorAll('.terms [data-id]')].map((each) => each.dataset.id)",
  );
  if ((await button.count()) === 0 || !hashes.some((hash) => files.has(hash))) return;
  await button.click();
  await page.locator(".done, .problem").first().waitFor();
}

/** Returns the places to visit next, evenly from all links of each kind. */
function chosen(visits: readonly Visit[], seen: ReadonlySet<string>): string[] {
  const links = [...new Set(visits.flatMap((visit) => visit.links))];
  return Object.entries(MOST).flatMap(([kind, most]) => {
    const prefix = `#/localhost/${kind}/`;
    const left = most - [...seen].filter((place) => place.startsWith(prefix)).length;
    const fresh = links.filter((place) => place.startsWith(prefix) && !seen.has(place));
    const step = Math.max(1, fresh.length / Math.max(left, 1));
    return Array.from({ length: Math.min(Math.max(left, 0), fresh.length) }, (_, i) => fresh[Math.floor(i * step)]);
  });
}

async function reportOn(history: History, visits: readonly Visit[]): Promise<Report> {
  const faults: string[] = [];
  const read = new Map<string, Promise<string>>();
  let compared = 0;
  for (const { place, shown, faults: own } of visits) {
    faults.push(...own.map((fault) => `${place}: ${fault}`));
    for (const each of shown) {
      ++compared;
      const key = `${each.fact} ${each.at}`;
      const reading = read.get(key) ?? readFact(history, each.fact, BigInt(each.at));
      read.set(key, reading);
      const expected = await reading.catch((error: unknown) => `no answer: ${String(error)}`);
      if (each.value !== expected) faults.push(`${place}: ${each.fact} is ${each.value}, the chain says ${expected}`);
      const wrong = misreading(each);
      if (wrong !== undefined) faults.push(`${place}: ${each.fact}: ${wrong}`);
    }
  }
  const told = [...new Set(faults)];
  const summary = `${visits.length} pages, ${compared} numbers and words compared with the chain at block ${history.head.number}`;
  const text =
    told.length === 0
      ? `${summary}: nothing found`
      : [summary, ...told.slice(0, MOST_TOLD), `${told.length} faults`].join("\n");
  return { pages: visits.length, compared, faults: told, text };
}
