import { readFileSync } from "node:fs";
import path from "node:path";

import { expect } from "chai";

import snapshot from "../../bench/gas.snapshot.json";
import { PARTS } from "../../bench/gas/breakdown";
import type { Cost } from "../../bench/gas/costs";
import { REFERENCES } from "../../bench/gas/references";
import {
  BROKEN_DOWN,
  type Growth,
  growthCsv,
  regressions,
  type Row,
  rowsOf,
  type Snapshot,
  snapshotOf,
  snapshotText,
  tables,
} from "../../bench/gas/report";

const SNAPSHOT = path.join(__dirname, "../../bench/gas.snapshot.json");
const DOCUMENT = path.join(__dirname, "../../../docs/gas.md");

/** Operations that the document lists though no goal is set for them. */
const WITHOUT_BAR = ["open.batch.nodes", "settle.next.first", "claim.next", "job.closed"];

function cost(gas: number, amsterdam = gas, calldata = 36): Cost {
  return { gas, amsterdam, calldata };
}

function row(id: string, ...figures: Parameters<typeof cost>): Row {
  return { id, ...cost(...figures), floor: null, peers: [], ratio: null };
}

describe("bench/gas", () => {
  describe("rowsOf", () => {
    it("has every column beside the peers, of which quoted ones have no figure under Amsterdam", () => {
      const costs = new Map([
        ["transfer", cost(34_270, 42_670, 68)],
        ["peer.transfer", cost(34_000, 42_000, 68)],
        ["report.3of4", cost(71_488, 154_108, 804)],
        ["settle.part.10.of1000", cost(1)],
      ]);
      const transfer = { name: "OpenZeppelin ERC20", gas: 34_000, amsterdam: 42_000, quoted: false };
      const transmit = { name: "Chainlink OCR2 transmit", gas: 95_282, amsterdam: null, quoted: true };
      expect(rowsOf(costs)).to.deep.equal([
        { id: "transfer", gas: 34_270, amsterdam: 42_670, calldata: 68, floor: null, peers: [transfer], ratio: 1.008 },
        {
          ...{ id: "report.3of4", gas: 71_488, amsterdam: 154_108, calldata: 804 },
          ...{ floor: 51_725, peers: [transmit], ratio: 0.75 },
        },
      ]);
    });
  });

  describe("tables", () => {
    it("prints gas under either rules, bytes of calldata and peers", () => {
      const peers = [
        { name: "Ours", gas: 34_000, amsterdam: 42_000, quoted: false },
        { name: "Theirs", gas: 95_282, amsterdam: null, quoted: true },
      ];
      const growth: Growth = { what: "receipt", size: 1_000, count: 10, each: 36_397, amsterdam: 53_247 };
      const lines = tables([{ ...row("open", 142_446, 437_206, 292), peers }], [growth]).split("\n");
      const words = lines.map((line) => line.split(/ {2,}/));
      expect(words[0].slice(0, 4)).to.deep.equal(["operation", "gas", "amsterdam", "calldata"]);
      expect(words[1].slice(0, 4)).to.deep.equal(["open", "142,446", "437,206", "292"]);
      expect(words[1].at(-1)).to.equal("Ours 34,000 (amsterdam 42,000); Theirs 95,282 (quoted)");
      expect(words.at(-2)).to.deep.equal(["each", "tree of", "at once", "gas", "amsterdam"]);
      expect(words.at(-1)).to.deep.equal(["receipt", "1,000", "10", "36,397", "53,247"]);
    });
  });

  describe("growthCsv", () => {
    it("has what each costs under either rules", () => {
      const growth: Growth = { what: "receipt", size: 1_000, count: 10, each: 36_397, amsterdam: 53_247 };
      expect(growthCsv([growth])).to.equal("what,size,count,gas_each,amsterdam_each\nreceipt,1000,10,36397,53247\n");
    });
  });

  describe("regressions", () => {
    it("names each figure that rose, and by how much", () => {
      const rows = [row("open", 1_001, 1_000), row("close", 1_000, 2_500), row("stop", 300, 300, 68), row("claim", 1)];
      const snapshot = { open: cost(1_000), close: cost(1_000), stop: cost(300), claim: cost(1) };
      expect(regressions(rows, snapshot)).to.deep.equal([
        "open rose by 1 gas, from 1,000 to 1,001",
        "close rose by 1,500 gas under Amsterdam, from 1,000 to 2,500",
        "stop rose by 32 bytes of calldata, from 36 to 68",
      ]);
    });

    it("lets figures fall", () => {
      expect(regressions([row("open", 999, 999, 4)], { open: cost(1_000) })).to.deep.equal([]);
    });

    it("names what only the run or only the snapshot has", () => {
      expect(regressions([row("open", 1)], { close: cost(1) })).to.deep.equal([
        "open is not in the snapshot",
        "close is in the snapshot and was not measured",
      ]);
    });
  });

  describe("snapshotText", () => {
    it("has a line for each id, with every column", () => {
      const snapshotted = snapshotOf([row("open", 1, 2, 3), row("close", 4, 5, 6)]);
      expect(snapshotText(snapshotted).split("\n")).to.deep.equal([
        "{",
        '  "open": { "gas": 1, "amsterdam": 2, "calldata": 3 },',
        '  "close": { "gas": 4, "amsterdam": 5, "calldata": 6 }',
        "}",
        "",
      ]);
    });

    it("is the committed file", () => {
      expect(snapshotText(snapshot)).to.equal(readFileSync(SNAPSHOT, "utf8"));
    });
  });

  describe("docs/gas.md", () => {
    it("states what the snapshot has, and the bar, of every operation that has one and some others", () => {
      const document = readFileSync(DOCUMENT, "utf8");
      const rowOf = /^\| `([\w.]+)` *\| *([\d,]+) \| *([\d,]*) \| *([\d,]+) \| *([\d,]*) \| *([\d,]+) \|/gm;
      const optional = (text: string) => (text === "" ? undefined : amount(text));
      const stated = [...document.matchAll(rowOf)].map(([, id, gas, gasBar, amsterdam, amsterdamBar, calldata]) => ({
        ...{ id, gas: amount(gas), amsterdam: amount(amsterdam), calldata: amount(calldata) },
        bars: [optional(gasBar), optional(amsterdamBar)],
      }));
      const barred = Object.keys(REFERENCES).filter((id) => REFERENCES[id].bar !== undefined);
      const figures: Snapshot = snapshot;
      const expected = [...barred, ...WITHOUT_BAR].map((id) => {
        const bar = REFERENCES[id]?.bar;
        return { id, ...figures[id], bars: [bar?.gas, bar?.amsterdam] };
      });
      expect(stated).to.have.deep.members(expected);
    });

    it("breaks down what the snapshot has, by columns that add up", () => {
      const lines = readFileSync(DOCUMENT, "utf8").split("\n");
      const cells = (line: string) => line.split("|").slice(2, -1);
      const head = lines.findIndex((line) => line.startsWith("| part "));
      const end = lines.findIndex((line) => line.startsWith("| **gas**"));
      const body = lines.slice(head + 2, end).map((line) => cells(line).map(amount));
      const ids = cells(lines[head]).map((cell) => cell.replaceAll("`", "").trim());
      const figures: Snapshot = snapshot;
      expect(body).to.have.lengthOf(Object.keys(PARTS).length);
      expect(ids).to.deep.equal(BROKEN_DOWN.map(({ id }) => id));
      expect(cells(lines[end]).map(amount)).to.deep.equal(ids.map((id) => figures[id].gas));
      const sums = ids.map((_, column) => body.reduce((total, row) => total + row[column], 0));
      expect(sums).to.deep.equal(ids.map((id) => figures[id].gas));
    });
  });
});

function amount(text: string): number {
  return Number(text.replaceAll(/[,*]/g, "").replace("−", "-"));
}
