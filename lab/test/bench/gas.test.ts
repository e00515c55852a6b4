import { readFileSync } from "node:fs";
import path from "node:path";

import { expect } from "chai";

import snapshot from "../../bench/gas.snapshot.json";
import { PARTS } from "../../bench/gas/breakdown";
import { REFERENCES } from "../../bench/gas/references";
import { BROKEN_DOWN, regressions, type Row } from "../../bench/gas/report";

const DOCUMENT = path.join(__dirname, "../../../docs/gas.md");

function row(id: string, gas: number): Row {
  return { id, gas, floor: null, peers: [], ratio: null };
}

describe("bench/gas", () => {
  describe("regressions", () => {
    it("names each figure that rose, and by how much", () => {
      const rows = [row("open", 1_001), row("close", 2_500), row("stop", 300)];
      expect(regressions(rows, { open: 1_000, close: 1_000, stop: 300 })).to.deep.equal([
        "open rose by 1, from 1,000 to 1,001",
        "close rose by 1,500, from 1,000 to 2,500",
      ]);
    });

    it("lets figures fall", () => {
      expect(regressions([row("open", 999)], { open: 1_000 })).to.deep.equal([]);
    });

    it("names what only the run or only the snapshot has", () => {
      expect(regressions([row("open", 1)], { close: 1 })).to.deep.equal([
        "open is not in the snapshot",
        "close is in the snapshot and was not measured",
      ]);
    });
  });

  describe("docs/gas.md", () => {
    it("states what the snapshot has, and the bar, of every operation that has one", () => {
      const document = readFileSync(DOCUMENT, "utf8");
      const stated = [...document.matchAll(/^\| `([\w.]+)` *\| *([\d,]+) \| *([\d,]+) \|/gm)].map(
        ([, id, gas, bar]) => [id, amount(gas), amount(bar)],
      );
      const figures: Record<string, number> = snapshot;
      const expected = Object.entries(REFERENCES).flatMap(([id, { bar }]) =>
        bar === undefined ? [] : [[id, figures[id], bar]],
      );
      expect(stated).to.have.deep.members(expected);
    });

    it("breaks down what the snapshot has, by columns that add up", () => {
      const lines = readFileSync(DOCUMENT, "utf8").split("\n");
      const cells = (line: string) => line.split("|").slice(2, -1);
      const head = lines.findIndex((line) => line.startsWith("| part "));
      const end = lines.findIndex((line) => line.startsWith("| **gas**"));
      const body = lines.slice(head + 2, end).map((line) => cells(line).map(amount));
      const ids = cells(lines[head]).map((cell) => cell.replaceAll("`", "").trim());
      const figures: Record<string, number> = snapshot;
      expect(body).to.have.lengthOf(Object.keys(PARTS).length);
      expect(ids).to.deep.equal(BROKEN_DOWN.map(({ id }) => id));
      expect(cells(lines[end]).map(amount)).to.deep.equal(ids.map((id) => figures[id]));
      const sums = ids.map((_, column) => body.reduce((total, row) => total + row[column], 0));
      expect(sums).to.deep.equal(ids.map((id) => figures[id]));
    });
  });
});

function amount(text: string): number {
  return Number(text.replaceAll(/[,*]/g, "").replace("−", "-"));
}
