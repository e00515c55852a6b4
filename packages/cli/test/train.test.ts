import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { turingfog } from "@turingfog/cli";
import { ROUND_RECORD, TrainingRun, type RoundRecord } from "@turingfog/training";
import { expect } from "chai";

import { writeData } from "../../training/test/helpers";
import { CommandProcess } from "../../../test/helpers/otherChain";
import { DIGITS, digits } from "../../../test/helpers/digits";
import { printedBy, thrownBy } from "../../../test/helpers/tuLogs";

/** No account's key: what is written hides the keys that a process has used, as tests beside this one do. */
const SEED = `0x${"7e57".repeat(16)}`;

const FEW = "--workers 3 --rounds 3 --steps 2 --batch 16";

/** A folder with real digits, a model, and a run of three rounds that has begun. */
class World {
  private constructor(readonly folder: string) {}

  static async create(): Promise<World> {
    const world = new World(await mkdtemp(path.join(tmpdir(), "turingfog-train-")));
    await writeData(world.at("data"), DIGITS, digits(0, 20), digits(850, 5));
    await writeFile(world.at("model.json"), JSON.stringify({ layers: DIGITS.layers }));
    await world.printed(`init RUN --data DATA --model MODEL ${FEW} --seed ${SEED}`);
    return world;
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  /** Runs a verb of `turingfog train`, in which capital names stand for paths. */
  printed(line: string): Promise<string> {
    return printedBy("train", ...this.bind(line));
  }

  thrown(line: string): Promise<unknown> {
    return thrownBy(turingfog(["train", ...this.bind(line)]));
  }

  private bind(line: string): string[] {
    const paths: Record<string, string> = { RUN: "run", DATA: "data", MODEL: "model.json", FILE: "file" };
    return line.split(" ").map((word) => (Object.hasOwn(paths, word) ? this.at(paths[word]) : word));
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}

function inWorld(test: (world: World) => Promise<void>): () => Promise<void> {
  return async () => {
    const world = await World.create();
    try {
      await test(world);
    } finally {
      await world.remove();
    }
  };
}

describe("turingfog train", () => {
  it(
    "trains round by round, shows how it goes, and goes on where it was stopped",
    inWorld(async (world) => {
      expect(await world.printed("status RUN"))
        .to.match(/rounds +0 of 3, each of 2 steps/)
        .and.match(/next +turingfog train run /);
      const first = await world.printed("run RUN --rounds 2 --svg FILE");
      expect(first).to.match(/round 1 of 3 .*accuracy +\d+\.\d\d % +loss \d\.\d{4}\nround 2 of 3/);
      expect(await readFile(world.at("file"), "utf8"))
        .to.match(/^<svg /)
        .and.contain("rounds 1 to 2");
      const { rounds } = JSON.parse(await world.printed("run RUN --json")) as { rounds: { round: string }[] };
      expect(rounds.map(({ round }) => round)).to.deep.equal(["3"]);
      expect(await world.printed("status RUN"))
        .to.match(/3 of 3/)
        .and.contain("└─── round 3");
      expect(await world.printed("run RUN")).to.not.contain("round 4");
    }),
  );

  it(
    "measures and exports the weights after a round",
    inWorld(async (world) => {
      await world.printed("run RUN");
      const { records } = await TrainingRun.open(world.at("run"));
      for (const [line, { endHash, accuracy, loss }] of [
        ["eval RUN --json", records[2]],
        ["eval RUN --round 2 --data DATA --json", records[1]],
      ] as [string, RoundRecord][]) {
        expect(JSON.parse(await world.printed(line))).to.deep.equal({ weights: endHash, accuracy, loss });
      }
      await world.printed("export RUN --onnx FILE --round 1");
      expect((await readFile(world.at("file"))).includes(records[0].endHash)).to.equal(true);
      const exported = JSON.parse(await world.printed("export RUN --safetensors FILE --json")) as object;
      expect(exported).to.deep.equal({ weights: records[2].endHash, files: [world.at("file")] });
      expect((await readFile(world.at("file"))).includes(records[2].endHash)).to.equal(true);
      expect(await world.thrown("export RUN")).to.have.property("message", "Name a file by --onnx or --safetensors");
      expect(await world.thrown("eval RUN --round 4")).to.have.property(
        "message",
        "Round 4 is not there, expected 0 to 3",
      );
    }),
  );

  it(
    "recomputes what is claimed, and ends with 1 at the first byte that differs",
    inWorld(async (world) => {
      await world.printed("run RUN");
      expect(await world.printed("verify RUN")).to.equal("12 statements recomputed, 0 false.");
      const run = await TrainingRun.open(world.at("run"));
      const [, , last] = run.records;
      const lie = (await run.store.get(last.claims[0].endHash)).map((weight, i) => (i === 200 ? weight + 1 : weight));
      last.claims[0].endHash = await run.store.put(lie);
      const [, , file] = await readdir(world.at("run/rounds"));
      await writeFile(world.at(`run/rounds/${file}`), ROUND_RECORD.encode(last));
      const printed = await world.printed("verify RUN --round 3 --node 1");
      expect(printed).to.match(
        /^round 3, node 1: endHash is 0x\w+, expected 0x\w+; byte 80\d \(layers\.0\.bias\[0\]\) is \d+, expected \d+\n1 statements recomputed, 1 false\.$/,
      );
      expect(await world.printed("verify RUN --round 3 --node 2 --reference")).to.contain(
        "1 statements recomputed, 0 false.",
      );
      const { code, stdout } = await CommandProcess.start("train verify", [world.at("run"), "--json"]).outcome;
      expect(code).to.equal(1);
      const { checked, findings } = JSON.parse(stdout) as { checked: number; findings: object[] };
      expect([checked, findings.length]).to.deep.equal([12, 2]);
    }),
  );

  it(
    "refuses by name what it is called with",
    inWorld(async (world) => {
      await writeFile(world.at("file"), `{ "layers": [{ "kind": "dense", "channels": 2000, "activation": "none" }] }`);
      for (const [line, message] of [
        ["init RUN --data DATA --model MODEL", /is not empty: name a folder that is not there yet$/],
        ["init new --data DATA --model MODEL --seed 0x11", /^--seed is 0x11, must be 0x and 64/],
        ["init new --data DATA --model MODEL --rate ,5", /^--rate is ,5, must be a decimal number/],
        ["init new --data DATA --model FILE", /^model, layers\[0\]\.channels: is 2000, expected 1 to 1024$/],
        ["init new --data DATA --model missing.json", /^missing\.json is not there/],
        ["init new --data DATA --model MODEL --rate 11", /learningRate: is 11, expected above 0, at most 10/],
        ["eval RUN --round one", /^--round is one, must be the number of a round/],
        ["verify RUN", /has no round yet$/],
        ["status missing", /missing.plan\.json is not there/],
      ] as const) {
        expect(await world.thrown(line), line)
          .to.have.property("message")
          .that.matches(message);
      }
    }),
  );
});
