import { createHash } from "node:crypto";

import { formatUnits } from "ethers";

import { fromBlob } from "../store/index.js";
import type { ResultFile } from "./jobs.js";
import { formatMoney } from "./money.js";
import { paidIn } from "./sessions.js";
import type { SessionRow, SessionState } from "./tables.js";

const STYLE = `
:root { color-scheme: light dark; font: 1.125rem/1.6 system-ui, sans-serif; }
body { max-width: 42rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.3; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
button { font: inherit; }
input, select, textarea { font: inherit; width: 100%; box-sizing: border-box; }
:focus-visible { outline: .2rem solid; outline-offset: .2rem; }
button, .pay { display: inline-block; padding: .5rem 1.25rem; border: .1rem solid; border-radius: .3rem; }
li[aria-current] { font-weight: 600; }
`;

/** What pages may do: nothing but show their own style and send their own form. */
export const PAGE_HEADERS = {
  "content-security-policy":
    `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; form-action 'self'; ` +
    "base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** What a customer is told in each state. */
const TOLD: Record<SessionState, string> = {
  quoted: "This is an offer. Nothing is paid yet.",
  checkout: "The payment is open.",
  expired: "The payment was not made in time, and nothing was charged.",
  paid: "Your payment has arrived. Your order is being prepared.",
  approved: "Your order is being opened.",
  opened: "Your job is at work.",
  delivered: "Your result is ready. What was not used is refunded once the order is closed.",
  owed: "Your refund is on its way.",
  refunded: "Your order is complete.",
};

const PATH: readonly (readonly [label: string, states: readonly SessionState[]])[] = [
  ["Offer", ["quoted"]],
  ["Payment", ["checkout"]],
  ["Order", ["paid", "approved"]],
  ["Work", ["opened"]],
  ["Result", ["delivered"]],
  ["Refund of the rest", ["owed", "refunded"]],
];

export interface PageState {
  row: SessionRow;
  files: readonly ResultFile[];
  /** Unix seconds. */
  now: bigint;
}

/** Returns the page on which a customer follows a session: plain HTML that needs no script. */
export function statusPage({ row, files, now }: PageState): string {
  const { id, state, currency, price } = row;
  const nodeId = fromBlob(row.node_id);
  const facts: [string, string][] = [
    [
      "Order",
      `${formatUnits(fromBlob(row.tu_amount), 18)} TU on ${nodeId === 0n ? "several nodes" : `node ${nodeId}`}`,
    ],
    ["Price", formatMoney(price, currency)],
    ["Kept of a refund", formatMoney(row.refund_fee, currency)],
    ...(row.order_id === null ? [] : ([["Order number", String(fromBlob(row.order_id))]] as [string, string][])),
    ...(row.due === null ? [] : ([["Refund", formatMoney(row.due, paidIn(row))]] as [string, string][])),
    ...(row.reason === "" ? [] : ([["Why", row.reason]] as [string, string][])),
  ];
  const list = facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join("\n");
  const steps = PATH.map(([label, states]) => {
    const current = states.includes(state) ? ' aria-current="step"' : "";
    return `<li${current}>${label}</li>`;
  }).join("\n");
  return documentOf(
    told(row),
    `<ol aria-label="Progress">
${steps}
</ol>
<dl>
${list}
</dl>
${actionOf(row, now)}
${filesOf(id, files)}
<p><a href="/pay/${id}">Look again</a></p>
<p>Keep the address of this page to yourself: it shows your order and its result.</p>`,
  );
}

/** Returns a whole page. */
export function documentOf(heading: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(heading)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(heading)}</h1>
${content}
</main>
</body>
</html>
`;
}

function told({ state, order_id: orderId }: SessionRow): string {
  if (state === "refunded" && orderId === null) return "No order was opened. Your payment was refunded in full.";
  return TOLD[state];
}

function actionOf({ id, state, url, price, currency, quote_expires_at: until }: SessionRow, now: bigint): string {
  if (state === "quoted") {
    if (now >= until) return "<p>This offer has expired.</p>";
    return `<form method="post" action="/pay/${id}"><button>Accept, and pay ${escaped(formatMoney(price, currency))}</button></form>`;
  }
  if (state !== "checkout" || url === null) return "";
  return `<p><a class="pay" href="${escaped(url)}">Pay ${escaped(formatMoney(price, currency))} by card</a></p>`;
}

function filesOf(id: string, files: readonly ResultFile[]): string {
  if (files.length === 0) return "";
  const items = files.map(
    ({ path, bytes }) =>
      `<li><a href="/v1/sessions/${id}/files/${path.split("/").map(encodeURIComponent).join("/")}" download>${escaped(path)}</a>, ${bytes} bytes</li>`,
  );
  return `<h2>Result</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
}

/** Returns a text as HTML shows it. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
