import { useEffect, useRef, useState, type ReactNode } from "react";

/** A line of a chart. */
export interface Line {
  name: string;
  tone: string;
  /** Points from left to right. */
  points: readonly (readonly [x: number, y: number])[];
  /** Whether a value holds until the next point, rather than moving there. */
  isStep?: boolean;
  isFaint?: boolean;
}

interface Props {
  /** What the chart shows, for those who do not see it; the numbers stand in the table beside it. */
  label: string;
  lines: readonly Line[];
  x: Axis;
  y: Axis;
  height?: number;
  /** Points to mark, with a word each. */
  marks?: readonly { x: number; y: number; tone: string; label: string }[];
}

export interface Axis {
  from: number;
  to: number;
  ticks: readonly number[];
  text: (value: number) => string;
}

const LEFT = 66;
const RIGHT = 14;
const TOP = 22;
const BOTTOM = 28;
/** Pixels between two words below a chart. */
const WORD = 84;

/** A chart of lines, as wide as its place. */
export function Chart({ label, lines, x, y, height = 220, marks = [] }: Props) {
  const [frame, width] = useWidth();
  const at = (value: number) => LEFT + ((width - LEFT - RIGHT) * (value - x.from)) / (x.to - x.from || 1);
  const up = (value: number) => height - BOTTOM - ((height - TOP - BOTTOM) * (value - y.from)) / (y.to - y.from || 1);
  const most = Math.max(2, Math.floor((width - LEFT - RIGHT) / WORD));
  const shown = thinned(x.ticks, most);
  return (
    <figure className="chart" ref={frame} data-scale>
      {width > 0 && (
        <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
          {y.ticks.map((value) => (
            <g key={value}>
              <line className="grid" x1={LEFT} x2={width - RIGHT} y1={up(value)} y2={up(value)} />
              <text x={LEFT - 8} y={up(value) + 4} textAnchor="end">
                {y.text(value)}
              </text>
            </g>
          ))}
          {shown.map((value, i) => (
            <text
              key={value}
              x={at(value)}
              y={height - 8}
              textAnchor={i === 0 ? "start" : i === shown.length - 1 ? "end" : "middle"}
            >
              {x.text(value)}
            </text>
          ))}
          {lines.map((line) => (
            <path
              key={line.name}
              className={`line ${line.tone} ${line.isFaint === true ? "faint" : ""}`}
              d={pathOf(line, at, up)}
            />
          ))}
          {marks.map((mark) => (
            <g key={mark.label}>
              <circle className={`dot ${mark.tone}`} cx={at(mark.x)} cy={up(mark.y)} r={4.5} />
              <text className="mark-label" x={at(mark.x) + 9} y={up(mark.y) - 8}>
                {mark.label}
              </text>
            </g>
          ))}
        </svg>
      )}
    </figure>
  );
}

/** Names the lines of a chart. */
export function Legend({ entries }: { entries: readonly { tone: string; name: string; value?: ReactNode }[] }) {
  return (
    <ul className="legend">
      {entries.map(({ tone, name, value }) => (
        <li key={name}>
          <span className={`swatch ${tone}`} aria-hidden="true" />
          {name} {value}
        </li>
      ))}
    </ul>
  );
}

/** Returns an axis over a range, with ticks at round steps. */
export function axisOver(from: number, to: number, count: number, text: (value: number) => string): Axis {
  const span = to - from || Math.abs(to) || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => span / each <= count) ?? power * 10;
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step); i * step <= to + step * 1e-9; ++i) ticks.push(i * step);
  return { from, to: to === from ? from + span : to, ticks, text };
}

function pathOf({ points, isStep }: Line, at: (x: number) => number, up: (y: number) => number): string {
  return points
    .map(([x, y], i) => {
      if (i === 0) return `M${px(at(x))},${px(up(y))}`;
      return isStep === true ? `H${px(at(x))}V${px(up(y))}` : `L${px(at(x))},${px(up(y))}`;
    })
    .join("");
}

function px(value: number): string {
  return value.toFixed(1);
}

function thinned(values: readonly number[], most: number): number[] {
  const step = Math.ceil(values.length / most);
  return values.filter((_, i) => i % step === 0);
}

function useWidth(): [React.RefObject<HTMLElement | null>, number] {
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(([{ contentRect }]) => setWidth(Math.round(contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [frame, width];
}
