import { documentOf, escaped } from "./page.js";

/** Fields of the form, as their texts, by their names. */
export type OfferFields = Readonly<Record<"node" | "tu" | "hours" | "currency" | "runner" | "slots", string>>;

const LABELS: Readonly<Record<keyof OfferFields, string>> = {
  node: "Node",
  tu: "TU to buy, as 0.5",
  hours: "Hours until the order ends",
  currency: "Currency of your card",
  runner: "Runner of the node that your job asks for",
  slots: "Slots of the runner, as NAME=VALUE, one in a line",
};

/** Returns the fields of a form or of a link that leads to it. */
export function offerFields(given: URLSearchParams): OfferFields {
  const names = Object.keys(LABELS) as (keyof OfferFields)[];
  return Object.fromEntries(names.map((name) => [name, given.get(name) ?? ""])) as OfferFields;
}

/** Returns what the fields ask for, as the body of `POST /v1/quotes` has it. */
export function askedBy({ slots, ...fields }: OfferFields): object {
  const lines = slots.split(/\r?\n/).filter((line) => line.trim() !== "");
  const pairs = lines.map((line) => [line.split("=")[0].trim(), line.slice(line.indexOf("=") + 1).trim()]);
  return { ...fields, slots: Object.fromEntries(pairs) as Record<string, string> };
}

/**
 * Returns the page on which a customer asks for an offer.
 * @param problem why the fields were refused; empty if they were not
 */
export function offerPage(fields: OfferFields, currencies: readonly string[], problem: string): string {
  const inputs = (Object.keys(LABELS) as (keyof OfferFields)[]).map((name) => {
    const value = escaped(fields[name]);
    const label = `<label for="${name}">${LABELS[name]}</label>`;
    if (name === "slots") return `<p>${label}<br><textarea id="slots" name="slots" rows="4">${value}</textarea></p>`;
    if (name !== "currency") return `<p>${label}<br><input id="${name}" name="${name}" value="${value}" required></p>`;
    const options = currencies.map((code) => `<option${code === fields.currency ? " selected" : ""}>${code}</option>`);
    return `<p>${label}<br><select id="currency" name="currency">${options.join("")}</select></p>`;
  });
  const alert = problem === "" ? "" : `<p role="alert">${escaped(problem)}</p>`;
  return documentOf(
    "Compute, paid by card",
    `${alert}
<form method="post" action="/new">
${inputs.join("\n")}
<button>Ask for the price</button>
</form>
<p>You need no wallet. Whoever runs this gateway holds your order, and can read your job and its result. Jobs with files are handed in
by the command <code>turingfog order pay</code>.</p>`,
  );
}
