import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { expect } from "chai";
import { formatUnits, resolveAddress, type AddressLike } from "ethers";

import type { Asset } from "../helpers/market";

/** Amounts by the token's symbol, in base units. */
type Amounts = Record<string, bigint>;

/** What an adversary tried, what it paid and what it was to get back. */
interface Outcome {
  adversary: string;
  scenario: string;
  paid: Amounts;
  /** What it would get without taking part, as operations do of others' work. */
  anyway?: Amounts;
  /** To get back beyond that, to the unit. */
  predicted: Amounts;
  /** The most that the protocol grants; the prediction itself unless given. */
  bound?: Amounts;
}

interface Row {
  adversary: string;
  scenario: string;
  paidIn: string;
  gotBack: string;
  bound: string;
}

const rows: Row[] = [];

/** An adversary's balances: all accounts that it holds, in all tokens that it plays for. */
export class Purse {
  private constructor(
    private readonly tokens: readonly Asset[],
    private readonly owners: readonly AddressLike[],
    private readonly before: readonly bigint[],
  ) {}

  static async of(tokens: readonly Asset[], ...owners: AddressLike[]): Promise<Purse> {
    return new Purse(tokens, owners, await Promise.all(tokens.map((token) => held(token, owners))));
  }

  /**
   * Checks what the adversary got back in every token against its prediction, to the unit, and enters it in the table
   * of profit and loss.
   */
  async expectOutcome({
    adversary,
    scenario,
    paid,
    anyway = {},
    predicted,
    bound = predicted,
  }: Outcome): Promise<void> {
    const [paidIn, gotBack, most]: string[][] = [[], [], []];
    for (const [i, token] of this.tokens.entries()) {
      const [symbol, decimals] = await Promise.all([token.symbol(), token.decimals()]);
      const stake = paid[symbol] ?? 0n;
      const limit = bound[symbol] ?? 0n;

      const back = (await held(token, this.owners)) - this.before[i] + stake - (anyway[symbol] ?? 0n);
      expect(back, `${adversary}, ${scenario}: ${symbol} got back`).to.equal(predicted[symbol] ?? 0n);
      expect(back, `${adversary}, ${scenario}: ${symbol} got back`).to.be.at.most(limit);

      const written = (amount: bigint) => (amount === 0n ? [] : [`${formatUnits(amount, decimals)} ${symbol}`]);
      paidIn.push(...written(stake));
      gotBack.push(...written(back));
      most.push(...written(limit));
    }
    const joined = (amounts: readonly string[]) => amounts.join(", ") || "0";
    enter({ adversary, scenario, paidIn: joined(paidIn), gotBack: joined(gotBack), bound: joined(most) });
  }
}

/** Enters a row of the table that is not about tokens: what someone could delay, and for how long. */
export function enter(row: Row): void {
  rows.push(row);
}

async function held(token: Asset, owners: readonly AddressLike[]): Promise<bigint> {
  const balances = await Promise.all(owners.map(async (owner) => token.balanceOf(await resolveAddress(owner))));
  return balances.reduce((sum, balance) => sum + balance, 0n);
}

// A root hook: what every file here has entered is told once. A worker of `npm test` has a part of the files.
after("the adversaries' profit and loss", () => {
  if (process.env.MOCHA_WORKER_ID !== undefined) return;
  console.log("\n  What adversaries paid in, got back and may get back at most");
  console.table(Object.fromEntries(rows.map(({ adversary, scenario, ...row }) => [`${adversary}, ${scenario}`, row])));

  const file = process.env.ADVERSARIES_JSON;
  if (file === undefined) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
});
