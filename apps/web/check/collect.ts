/** A number or a word that the page shows, as it has named it. */
export interface Shown {
  /** `subject:id:field`. */
  fact: string;
  /** The value that the page has drawn, in base units. */
  value: string;
  text: string;
  kind: "amount" | "instant" | "duration" | "text";
  decimals: number;
  /** Decimals after which the text is cut off. */
  shownDecimals: number;
  /** Time by which the page has worked it out, in unix seconds. */
  at: string;
}

/** All that a page shows. */
export interface Collected {
  block: string;
  shown: Shown[];
  /** Texts with digits that name no fact and no identifier. */
  unnamed: string[];
  /** Links to other places of the page. */
  links: string[];
  isReady: boolean;
}

const NAMED = "[data-fact], [data-id], [data-known], [data-scale], option, noscript";

/** Collects what the page shows now. */
function collect(): Collected {
  const place = document.querySelector<HTMLElement>("[data-block]");
  const now = place?.dataset.now ?? "0";
  return {
    block: place?.dataset.block ?? "",
    shown: Array.from(document.querySelectorAll<HTMLElement>("[data-fact]"), (element) => shownBy(element, now)),
    unnamed: unnamedTexts(),
    links: Array.from(document.querySelectorAll("a"), ({ hash }) => hash).filter((hash) => hash.startsWith("#/")),
    isReady: place !== null && document.querySelector(".loading") === null && !isWaiting(),
  };
}

function shownBy(element: HTMLElement, now: string): Shown {
  const { fact = "", value = element.getAttribute("value") ?? "" } = element.dataset;
  const { decimals = "0", shown = decimals } = element.dataset;
  const at = element.closest<HTMLElement>("[data-at]")?.dataset.at ?? now;
  return {
    fact,
    value,
    text: element.textContent,
    kind: kindOf(element),
    decimals: Number(decimals),
    shownDecimals: Number(shown),
    at,
  };
}

function kindOf(element: HTMLElement): Shown["kind"] {
  if (element.tagName === "DATA") return "amount";
  if (element.tagName === "TIME") return "instant";
  return element.role === "timer" ? "duration" : "text";
}

function unnamedTexts(): string[] {
  const texts: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.textContent?.trim() ?? "";
    if (/\d/.test(text) && node.parentElement?.closest(NAMED) === null) texts.push(text);
  }
  return texts;
}

/** Says whether something is still to come: a dot of three stands in its place. */
function isWaiting(): boolean {
  return Array.from(document.querySelectorAll(".cell, dd, [data-known]")).some(
    ({ textContent }) => textContent === "…",
  );
}

Object.assign(globalThis, { collect });
