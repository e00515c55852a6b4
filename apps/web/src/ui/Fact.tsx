import type { ReactNode } from "react";

import { formatAmount, formatInstant } from "@turingfog/sdk";
import { linkTo } from "../routes";
import { useNetwork } from "./context";

/**
 * Names what a number says, as `subject:id:field`, so that it can be held against the chain: `supply::burned`,
 * `order:4294967296:deposit`.
 */
export type FactName = `${string}:${string}:${string}`;

interface Named {
  /** What the number says. */
  fact: FactName;
  /** Link to what proves it. */
  proof?: string;
}

/** Decimals shown of an amount: all that an asset of 6 decimals has, and as many of one of 18. */
const SHOWN_DECIMALS = 6;

interface AmountProps extends Named {
  /** Base units. */
  value: bigint;
  decimals: number;
  unit: string;
  /** Decimals to show at most. */
  shown?: number;
  /** What is above it is shown as no limit. */
  limit?: bigint;
}

/** An amount of base units in whole units, cut off after some decimals; its title has all of them. */
export function Amount({ fact, proof, value, decimals, unit, shown = SHOWN_DECIMALS, limit }: AmountProps) {
  const exact = formatAmount(value, decimals);
  const most = Math.min(shown, decimals);
  const isUnlimited = limit !== undefined && value > limit;
  return (
    <Proven proof={proof}>
      <data
        className="num"
        value={String(value)}
        data-fact={fact}
        data-decimals={decimals}
        data-shown={most}
        title={`${exact} ${unit}`}
      >
        {isUnlimited ? "no limit" : amountText(value, decimals, most)}
      </data>
      {!isUnlimited && <span className="unit"> {unit}</span>}
    </Proven>
  );
}

function amountText(value: bigint, decimals: number, shown: number): string {
  const text = trimmed(formatAmount(value, decimals, shown));
  // what is too little to be shown is not nothing
  return value !== 0n && !/[1-9]/.test(text) ? `< ${tiniest(shown)}` : text;
}

/** TU, 18 decimals, above which nobody counts: all GPUs of the world take a million years for them. */
export const NO_LIMIT = 10n ** 36n;

/** A whole number: a count, a number of a block. */
export function Count({ fact, proof, value, unit }: Named & { value: bigint | number; unit?: string }) {
  return (
    <Proven proof={proof}>
      <data className="num" value={String(value)} data-fact={fact} data-decimals={0}>
        {formatAmount(BigInt(value), 0)}
      </data>
      {unit !== undefined && <span className="unit"> {unit}</span>}
    </Proven>
  );
}

/** A moment of the chain's clock, to the minute. */
export function Instant({ fact, proof, value }: Named & { value: bigint }) {
  const instant = formatInstant(value);
  return (
    <Proven proof={proof}>
      <time className="num when" dateTime={instant} data-fact={fact} data-value={String(value)}>
        {`${instant.slice(0, 10)} ${instant.slice(11, 16)}`}
      </time>
      <span className="unit"> UTC</span>
    </Proven>
  );
}

/** A word of the chain's state: a phase, a standing, a status. */
export function Word({
  fact,
  value,
  tone,
}: {
  fact: FactName;
  value: string;
  tone?: "good" | "wait" | "bad" | "plain";
}) {
  return (
    <span className={`word ${tone ?? "plain"}`} data-fact={fact} data-value={value}>
      {value}
    </span>
  );
}

export type IdKind = "address" | "order" | "node" | "root" | "tx" | "hash";

/** An identifier, shortened, with a link to its page; its title is the whole. */
export function Id({ kind, id, label }: { kind: IdKind; id: string; label?: string }) {
  const { chain } = useNetwork();
  const text = label ?? shortened(kind, id);
  const span = (
    <span className="id" data-id={id} title={id}>
      {text}
    </span>
  );
  return kind === "hash" ? span : <a href={linkTo(chain, kind, id)}>{span}</a>;
}

/** The link to a round's page. */
export function RoundId({ round, asset, symbol }: { round: bigint; asset: string; symbol: string }) {
  const { chain } = useNetwork();
  return (
    <a href={linkTo(chain, "round", round, asset)}>
      <span className="id" data-id={`${round}/${asset}`}>
        {symbol} #{String(round)}
      </span>
    </a>
  );
}

function Proven({ proof, children }: { proof?: string; children: ReactNode }) {
  return proof === undefined ? (
    <span className="fact">{children}</span>
  ) : (
    <a className="fact" href={proof}>
      {children}
    </a>
  );
}

function shortened(kind: IdKind, id: string): string {
  return id.length > 14 && kind !== "order" ? `${id.slice(0, 6)}…${id.slice(-4)}` : id;
}

/** Drops zeros at the end of a fraction. */
function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function tiniest(decimals: number): string {
  return decimals === 0 ? "1" : `0.${"0".repeat(decimals - 1)}1`;
}
