import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useDeferredValue, useId, useMemo, useRef, useState, type ReactNode } from "react";

import { Count, type FactName } from "./Fact";

/** A column: its head, its cell, and the least width in rem; what is left is shared out in proportion. */
export interface Column<R> {
  head: string;
  cell: (row: R) => ReactNode;
  width?: number;
  align?: "end";
}

interface Props<R> {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  keyOf: (row: R) => string;
  /** What the number of rows says. */
  count: FactName;
  /** Words of a row by which it is found; the table has no search field without it. */
  wordsOf?: (row: R) => string;
  /** What stands in place of the rows when there are none. */
  empty: string;
}

/** Rows up to which all are drawn; of more, those in sight. */
const MOST_DRAWN = 60;
const ROW_HEIGHT = 45;

/** Between two columns, in rem. */
const GAP = 0.8;

/** A table that can be searched, and draws of a long list what is in sight. On a phone each row is a list of its cells. */
export function Table<R>({ label, columns, rows, keyOf, count, wordsOf, empty }: Props<R>) {
  const [search, setSearch] = useState("");
  const sought = useDeferredValue(search.trim().toLowerCase());
  const field = useId();
  const indexed = useMemo(() => rows.map((row) => wordsOf?.(row).toLowerCase() ?? ""), [rows, wordsOf]);
  const found = useMemo(
    () =>
      sought === "" ? rows : rows.filter((_, i) => sought.split(/\s+/).every((word) => indexed[i].includes(word))),
    [rows, indexed, sought],
  );
  return (
    <div className="table-frame">
      {wordsOf !== undefined && rows.length > 0 && (
        <div className="search">
          <label htmlFor={field}>Search</label>
          <input
            id={field}
            type="search"
            value={search}
            placeholder="any words of a row"
            onChange={({ target }) => setSearch(target.value)}
          />
          <output>
            {sought !== "" && <span data-known>{found.length} of </span>}
            <Count fact={count} value={rows.length} unit="rows" />
          </output>
        </div>
      )}
      {found.length === 0 ? (
        <p className="empty">
          {rows.length > 0 ? "No row has these words." : empty}
          {rows.length === 0 && (
            <data hidden value="0" data-fact={count} data-decimals={0}>
              0
            </data>
          )}
        </p>
      ) : (
        <Rows {...{ label, columns, keyOf }} rows={found} />
      )}
    </div>
  );
}

/** Drawn again only for other rows: a keystroke in the search field must not wait for the table. */
const Rows = memo(AllRows) as typeof AllRows;

function AllRows<R>({ label, columns, rows, keyOf }: Pick<Props<R>, "label" | "columns" | "rows" | "keyOf">) {
  const frame = useRef<HTMLDivElement>(null);
  const isVirtual = rows.length > MOST_DRAWN;
  const virtual = useVirtualizer({
    count: isVirtual ? rows.length : 0,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  });
  const widths = columns.map(({ width = 8 }) => width);
  // head and rows are grids of their own, and must come out alike
  const tracks = {
    gridTemplateColumns: widths.map((width) => `minmax(${width}rem, ${width}fr)`).join(" "),
    minWidth: `${widths.reduce((sum, width) => sum + width + GAP, 0)}rem`,
  };
  const draw = (row: R, index: number, extra?: object) => (
    <div
      role="row"
      className="row"
      aria-rowindex={index + 2}
      key={keyOf(row)}
      style={tracks}
      data-index={index}
      {...extra}
    >
      {columns.map(({ head, cell, align }) => (
        <div role="cell" className={align === "end" ? "cell end" : "cell"} data-head={head} key={head}>
          {cell(row)}
        </div>
      ))}
    </div>
  );
  return (
    <div
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      className={isVirtual ? "table tall" : "table"}
      tabIndex={0}
      ref={frame}
    >
      <div role="rowgroup" className="heads">
        <div role="row" className="row head" aria-rowindex={1} style={tracks}>
          {columns.map(({ head, align }) => (
            <div role="columnheader" data-known className={align === "end" ? "cell end" : "cell"} key={head}>
              {head}
            </div>
          ))}
        </div>
      </div>
      {isVirtual ? (
        <div role="rowgroup" className="body" style={{ height: virtual.getTotalSize() }}>
          <div style={{ transform: `translateY(${virtual.getVirtualItems()[0]?.start ?? 0}px)` }} role="presentation">
            {virtual.getVirtualItems().map(({ index }) => draw(rows[index], index, { ref: virtual.measureElement }))}
          </div>
        </div>
      ) : (
        <div role="rowgroup" className="body">
          {rows.map((row, i) => draw(row, i))}
        </div>
      )}
    </div>
  );
}
