import { readFile } from "node:fs/promises";
import path from "node:path";

import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";

import type { Collected, Shown } from "../../apps/web/check/collect";

const ROOT = path.join(__dirname, "../..");

export type { Shown };

/** What was seen on a place of the page. */
export interface Visit {
  place: string;
  block: string;
  shown: Shown[];
  links: string[];
  faults: string[];
}

/** Widths of screens in pixels, of a desk and of a phone. */
export const WIDTHS = { wide: 1_280, phone: 390 } as const;

export type Width = keyof typeof WIDTHS;

/** Milliseconds until a place must have shown all. */
const PATIENCE = 20_000;

/** Milliseconds between two looks at it. */
const LOOK = 50;

interface AxeResults {
  violations: { id: string; help: string; nodes: { html: string }[] }[];
}

/** Visits places of the page in Chromium, and notes what is shown and what goes wrong. */
export class Visitor {
  /** Requests to hosts that the page has no business with. */
  readonly strayRequests = new Set<string>();
  private errors: string[] = [];

  private constructor(
    private readonly page: Page,
    private readonly url: string,
    private readonly context: BrowserContext,
    private readonly axe: string,
    private readonly collector: string,
  ) {}

  /** @param hosts hosts that the page may ask */
  static async enter(browser: Browser, url: string, hosts: readonly string[], width: Width): Promise<Visitor> {
    const colorScheme = width === "phone" ? "dark" : "light";
    const context = await browser.newContext({ viewport: { width: WIDTHS[width], height: 900 }, colorScheme });
    const page = await context.newPage();
    const visitor = new Visitor(page, url, context, await axeSource(), await collectorSource());
    page.on("console", (message) => {
      if (message.type() === "error") visitor.errors.push(message.text());
    });
    page.on("pageerror", ({ message }) => visitor.errors.push(message));
    page.on("request", (request) => {
      const { host, protocol } = new URL(request.url());
      if (protocol.startsWith("http") && !hosts.includes(host)) visitor.strayRequests.add(request.url());
    });
    await page.goto(url);
    return visitor;
  }

  /** @param act what is done on the place before it is looked at */
  async visit(place: string, act?: (page: Page) => Promise<void>): Promise<Visit> {
    this.errors = [];
    const faults: string[] = [];
    await this.page.goto(`${this.url}${place}`);
    await this.page.evaluate(this.collector);
    if (!(await this.isReady())) faults.push(`not ready after ${PATIENCE} ms: ${await this.page.innerText("main")}`);
    await act?.(this.page);
    const { block, shown, links, unnamed } = await this.collectAll();
    faults.push(...unnamed.map((text) => `a number that says not what it is: ${text}`));
    faults.push(...(await this.violations()));
    faults.push(...this.errors.map((text) => `error: ${text}`));
    return { place, block, links, shown, faults };
  }

  /** Waits until all is shown. Not by waitForFunction, which the page's own policy forbids. */
  private async isReady(): Promise<boolean> {
    const end = Date.now() + PATIENCE;
    while (Date.now() < end) {
      if ((await this.page.evaluate<Collected>("collect()")).isReady) return true;
      await this.page.waitForTimeout(LOOK);
    }
    return false;
  }

  async screenshot(file: string): Promise<void> {
    await this.page.screenshot({ path: file, fullPage: true });
  }

  async leave(): Promise<void> {
    await this.context.close();
  }

  /** Collects what is shown, and what a long table shows once it is scrolled to. */
  private async collectAll(): Promise<Collected> {
    const collected = await this.page.evaluate<Collected>("collect()");
    const heights = await this.page.evaluate<number[]>(
      "[...document.querySelectorAll('.table.tall')].map(({ scrollHeight, clientHeight }) => scrollHeight / clientHeight)",
    );
    for (const [table, height] of heights.entries()) {
      for (let i = 1; i <= Math.ceil(height * 1.5); ++i) {
        const scroll = `const t = document.querySelectorAll('.table.tall')[${table}]; t.scrollTop = (t.clientHeight * ${i}) / 1.5`;
        await this.page.evaluate(
          `new Promise((done) => { ${scroll}; requestAnimationFrame(() => requestAnimationFrame(done)); })`,
        );
        const more = await this.page.evaluate<Collected>("collect()");
        collected.shown.push(...more.shown);
        collected.unnamed.push(...more.unnamed);
        collected.links.push(...more.links);
      }
    }
    return collected;
  }

  private async violations(): Promise<string[]> {
    await this.page.evaluate(this.axe);
    const { violations } = await this.page.evaluate<AxeResults>("axe.run({ resultTypes: ['violations'] })");
    return violations.map(({ id, help, nodes }) => `accessibility: ${id}: ${help}: ${nodes[0].html} (${nodes.length})`);
  }
}

function axeSource(): Promise<string> {
  return readFile(require.resolve("axe-core/axe.min.js"), "utf8");
}

/** Returns what collects the page's numbers, as a script. */
async function collectorSource(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(ROOT, "apps/web/check/collect.ts")],
    ...{ bundle: true, write: false, platform: "browser", format: "iife", target: "es2022", logLevel: "error" },
  });
  return outputFiles[0].text;
}
