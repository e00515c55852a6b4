import { useChainClock } from "../index/clock";
import type { FactName } from "./Fact";

const UNITS = [
  ["d", 86_400n],
  ["h", 3_600n],
  ["min", 60n],
  ["s", 1n],
] as const;

/** What is left until a moment by the chain's clock, in its two largest units. */
export function Countdown({ fact, until, over }: { fact: FactName; until: bigint; over: string }) {
  const now = useChainClock();
  if (now === undefined) return null;
  if (now >= until) return <span>{over}</span>;
  const left = until - now;
  return (
    <span className="num" data-fact={fact} data-value={String(left)} data-at={String(now)} role="timer">
      {partsOf(left)}
    </span>
  );
}

function partsOf(seconds: bigint): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const shown = UNITS.slice(first, first + 2);
  let rest = seconds;
  return shown
    .map(([name, size]) => {
      const count = rest / size;
      rest %= size;
      return `${count} ${name}`;
    })
    .join(" ");
}
