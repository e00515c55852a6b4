import { readFileSync } from "node:fs";
import path from "node:path";

import { type LogFault, NETWORKS, RefusedLogError } from "@turingfog/sdk";
import { readLog } from "@turingfog/sdk/node";
import { expect } from "chai";

import { editedLog, fileOf, LOGS, thrownBy } from "../../../../test/helpers/tuLogs";

const FIELD = path.join(LOGS, "field");
const KUBEFLOW = readFileSync(path.join(FIELD, "kubeflow.log"), "utf8");
const TWO_PROCESSES = readFileSync(path.join(FIELD, "two-processes.log"), "utf8");
const STEPS = /^\d+\timages.*\n/gm;

/** The log of ResNet-50 with something before each line. */
function prefixed(prefixOf: (line: number) => string): string {
  const lines = editedLog().trimEnd().split("\n");
  return lines.map((line, i) => `${prefixOf(i)}${line}\n`).join("");
}

async function refusalOf(log: string | Uint8Array, card?: string): Promise<{ fault: LogFault; detail: string }> {
  const file = fileOf("a.log", log);
  const error = await thrownBy(readLog(file, card));
  expect(error).to.be.instanceOf(RefusedLogError);
  const { fault, message } = error as RefusedLogError;
  return { fault, detail: message.slice(`${file}: `.length) };
}

async function expectRead(log: string | Uint8Array, card?: string): Promise<void> {
  const [{ network, gpu, imagesPerSecondE3 }, ...others] = await readLog(fileOf("a.log", log), card);
  expect(others).to.deep.equal([]);
  expect([network, gpu, imagesPerSecondE3]).to.deep.equal(["ResNet-50", card ?? "Example 100", 400_550n]);
}

describe("logs as people have them", () => {
  describe("of TensorFlow 1", () => {
    it("are read with an enumeration for the mode and a fraction for the batch, as 1.12 prints them", async () => {
      const [{ network, gpu, imagesPerSecondE3 }] = await readLog(path.join(FIELD, "tf112.log"));
      expect([network, gpu, imagesPerSecondE3]).to.deep.equal(["VGG-16", "Example 100", 130_370n]);
    });

    for (const [title, line] of [
      [
        "TensorFlow 1.4",
        "Creating TensorFlow device (/gpu:0) -> (device: 0, name: Example 100, pci bus id: 0000:01:00.0)",
      ],
      [
        "TensorFlow 1.5",
        "Creating TensorFlow device (/device:GPU:0) -> (device: 0, name: Example 100, pci bus id: 0000:01:00.0)",
      ],
      [
        "TensorFlow 2.11",
        "Created device /job:localhost/replica:0/task:0/device:GPU:0 with 21674 MB memory:  -> device: 0, " +
          "name: NVIDIA Example 100, pci bus id: 0000:01:00.0, compute capability: 8.6",
      ],
    ]) {
      it(`are read with the device line of ${title}`, () =>
        expectRead(editedLog([/Created TensorFlow device.*/g, line])));
    }

    it("tell the GPU by TensorFlow's index and not by the driver's", () =>
      expectRead(editedLog([/\(device: 0,/g, "(device: 3,"])));

    it("tell the GPU by TensorFlow's index on a machine of several", async () => {
      const other = "(/device:GPU:1) -> (device: 0, name: Example 200, pci bus id: 0000:02:00.0)";
      await expectRead(editedLog([/\(device: 0,/g, "(device: 1,"], [/^/, `Creating TensorFlow device ${other}\n`]));
    });

    for (const [mode, value] of [
      ["forward-only", "forward-only"],
      ["BenchmarkMode.EVAL", "BenchmarkMode.EVAL"],
      ["training + evaluation", "training + evaluation"],
    ]) {
      it(`are refused as no training when the mode is ${mode}`, async () => {
        const { fault, detail } = await refusalOf(editedLog(["Mode:        training", `Mode:        ${value}`]));
        expect(fault).to.equal("not training");
        expect(detail).to.equal(`resnet50 was run for ${value}, not for training`);
      });
    }
  });

  describe("with a field that is not understood", () => {
    for (const [field, edit, shown] of [
      ["Model", ["Model:       resnet50", "Model:       resnet50 v1"], "resnet50 v1"],
      ["Mode", ["Mode:        training", "Mode:        trai"], "trai"],
      ["Dataset", ["imagenet (synthetic)", "imagenet (synth"], "imagenet (synth"],
      ["Batch size", ["64 global", "64 glo"], "64 glo"],
      ["per device", ["64 per device", "64/1 per device"], "64/1"],
      ["Devices", ["['/gpu:0']", "['/gpu:0'"], "['/gpu:0'"],
    ] as const) {
      it(`are refused with the text of "${field}", and never read as another value`, async () => {
        const { fault, detail } = await refusalOf(editedLog(edit));
        expect(fault).to.equal("not understood");
        const model = field === "Model" ? shown : "resnet50";
        expect(detail).to.equal(`the run of ${model} has "${field}" as "${shown}", which is not understood`);
      });
    }

    for (const [field, line] of [
      ["Mode", /^Mode:.*\n/m],
      ["Batch size", /^Batch size:.*\n/m],
      ["per device", /^ +64 per device\n/m],
      ["Devices", /^Devices:.*\n/m],
    ] as const) {
      it(`are refused when "${field}" is missing`, async () => {
        const { fault, detail } = await refusalOf(editedLog([line, ""]));
        expect(fault).to.equal("not understood");
        expect(detail).to.equal(`the run of resnet50 has no "${field}" line`);
      });
    }

    it("are refused without a dataset, as older versions print none", async () => {
      const { fault, detail } = await refusalOf(KUBEFLOW);
      expect(fault).to.equal("not understood");
      expect(detail).to.equal(
        'the run of resnet50 has no "Dataset" line, so that real data cannot be told from synthetic; ' +
          "use a newer tf_cnn_benchmarks",
      );
    });

    it("are refused for several GPUs before the missing dataset", async () => {
      const { fault } = await refusalOf(KUBEFLOW.replace("['/gpu:0']", "['/job:worker/gpu:0', '/job:worker/gpu:1']"));
      expect(fault).to.equal("not one GPU");
    });

    it("are refused for another network before the missing dataset", async () => {
      const { fault, detail } = await refusalOf(KUBEFLOW.replace("resnet50\n", "resnet101\n"));
      expect(fault).to.equal("other network");
      expect(detail).to.equal(`resnet101 is none of ${NETWORKS.join(", ")}`);
    });
  });

  describe("of another precision", () => {
    for (const [title, line, evidence] of [
      [
        "nodes were converted to float16",
        "auto_mixed_precision.cc:1343] Converted 1093/7892 nodes to float16 precision using 2 cast(s) to float16",
        "Converted 1093/7892 nodes to float16",
      ],
      [
        "nodes were converted to bfloat16",
        "auto_mixed_precision.cc:2266] Converted 12/789 nodes to bfloat16 precision using 0 cast(s) to bfloat16",
        "Converted 12/789 nodes to bfloat16",
      ],
      ["the rewriter is configured for it", "RewriterConfig: auto_mixed_precision: ON", "auto_mixed_precision: ON"],
    ]) {
      it(`are refused when ${title}`, async () => {
        const { fault, detail } = await refusalOf(editedLog(["Done warm up", `${line}\nDone warm up`]));
        expect(fault).to.equal("other precision");
        expect(detail).to.equal(`resnet50 was not trained in fp32: the log says "${evidence}"`);
      });
    }

    for (const command of [
      "+ python tf_cnn_benchmarks.py --model=resnet50 --use_fp16",
      "Command to run: python3 tf_cnn_benchmarks.py --use_fp16=True --model=resnet50",
      "+ export TF_ENABLE_AUTO_MIXED_PRECISION=1",
    ]) {
      it(`are refused after the command "${command}"`, async () => {
        const { fault } = await refusalOf(editedLog([/^/, `${command}\n`]));
        expect(fault).to.equal("other precision");
      });
    }

    for (const line of [
      "auto_mixed_precision.cc:1343] Converted 0/7892 nodes to float16 precision using 0 cast(s) to float16",
      "+ python tf_cnn_benchmarks.py --model=resnet50 --use_fp16=False",
      "  --[no]use_fp16: Use 16-bit floats for certain tensors",
    ]) {
      it(`are read with "${line}"`, () => expectRead(editedLog([/^/, `${line}\n`])));
    }

    it("leave the next run in the same file alone", async () => {
      const half = (before: string) => editedLog([before, `Converted 9/9 nodes to float16\n${before}`]);
      for (const before of ["Done warm up", "20\timages"]) await expectRead(half(before) + editedLog());
    });

    it("are remarked on when multiplications ran in TF32", async () => {
      const line = "cuda_blas.cc:1786] TensorFloat-32 will be used for the matrix multiplication.";
      const [{ remarks }] = await readLog(fileOf("a.log", editedLog(["Done warm up", `${line}\nDone warm up`])));
      expect(remarks).to.deep.equal(["ResNet-50 was trained with multiplications in TF32"]);
    });
  });

  describe("of two runs in one file", () => {
    const mixed = (detail: string) => ({
      fault: "mixed runs",
      detail: `the lines of two runs are mixed: ${detail}; log each run to a file of its own`,
    });

    it("are refused when two processes wrote them at once", async () => {
      expect(await refusalOf(TWO_PROCESSES)).to.deep.equal(
        mixed("its head before the warm-up of the run before was done, in line 17, in the run of resnet50"),
      );
    });

    for (const [title, edits, detail] of [
      ["a field twice", [["SingleSess", "Mode:        training\nSingleSess"]], 'another "Mode", in line 8'],
      [
        "a field after the warm-up",
        [
          [/^Mode:.*\n/m, ""],
          ["Done warm up", "Done warm up\nMode:        training"],
        ],
        '"Mode" after the warm-up, in line 25',
      ],
      [
        "a field after the graph",
        [
          [/^Mode:.*\n/m, ""],
          ["Initializing graph", "Initializing graph\nMode:        training"],
        ],
        '"Mode" after "Initializing graph", in line 21',
      ],
      [
        "a field after a step",
        [
          [/^Mode:.*\n/m, ""],
          [/^.* warm up\n/gm, ""],
          [/^(?=10\t)/m, "Mode:        training\n"],
        ],
        '"Mode" after step 1, in line 25',
      ],
      [
        "a stage twice",
        [["Initializing graph", "Generating training model\nInitializing graph"]],
        'another "Generating training model", in line 21',
      ],
      [
        "a warm-up after a step",
        [
          [/^Done.*\n/m, ""],
          [/^(?=10\t)/m, "Done warm up\n"],
        ],
        "a warm-up after step 1, in line 27",
      ],
      ["two warm-ups begun", [["Running", "Running warm up\nRunning"]], "another warm-up, in line 24"],
      ["two warm-ups done", [["Done", "Done warm up\nDone"]], "another warm-up, in line 26"],
      ["a step twice", [["20\timages", "10\timages"]], "step 10 after step 10, in line 29"],
      ["more steps than batches", [["Num batches: 40", "Num batches: 30"]], "step 40 of 30, in line 31"],
      [
        "a step that came sooner than the one before",
        [["20\timages/sec: 402.2", "20\timages/sec: 902.2"]],
        "step 20 was done sooner than step 10, in line 29",
      ],
    ] as const) {
      it(`are refused with ${title}`, async () => {
        const edited = editedLog(...(edits as readonly (readonly [string | RegExp, string])[]));
        expect(await refusalOf(edited)).to.deep.equal(mixed(`${detail}, in the run of resnet50`));
      });
    }

    it("are refused when TensorFlow has two cards of one index", async () => {
      const { fault, detail } = await refusalOf(editedLog([/Example 100/, "Example 200"]));
      expect(fault).to.equal("mixed runs");
      expect(detail).to.equal(
        "the lines of two runs are mixed: /gpu:0 of resnet50 is NVIDIA Example 200 and NVIDIA Example 100",
      );
    });

    it("are refused when a run goes on after the head of another", async () => {
      const [first, second] = [editedLog([/^30\t[^]*/m, ""]), editedLog([/^[^]*^Initializing.*\n/m, ""])];
      const head = editedLog([/^Generating[^]*/m, ""]);
      const { fault, detail } = await refusalOf(first + head + second.replace(/^[^]*(?=^30\t)/m, ""));
      expect(fault).to.equal("mixed runs");
      expect(detail).to.contain("step 30 before the warm-up");
    });

    it("are refused when the total of a run comes after the head of another", async () => {
      const [first, total] = [editedLog([/^-+\n[^]*/m, ""]), "total images/sec: 400.55\n"];
      const { fault, detail } = await refusalOf(first + editedLog([/^Generating[^]*/m, ""]) + total);
      expect(fault).to.equal("mixed runs");
      expect(detail).to.contain("a total before the warm-up");
    });

    it("are refused when steps follow that the finished run may have got lines of", async () => {
      const { fault, detail } = await refusalOf(
        editedLog([/^30\t[^]*/m, ""]) + editedLog() + "30\timages/sec: 401.0 +/- 0.3 (jitter = 0.9)\t7.630\n",
      );
      expect(fault).to.equal("mixed runs");
      expect(detail).to.contain("step 30 after the total");
    });

    it("are refused when a head has lost its first line", async () => {
      const { fault } = await refusalOf(
        editedLog([/^40\t[^]*/m, ""]) + editedLog([/^TensorFlow[^]*?(?=^Dataset)/m, ""]),
      );
      expect(fault).to.equal("mixed runs");
    });

    it("keep a head without its model from the run before", async () => {
      const { fault, detail } = await refusalOf(editedLog([/^40\t[^]*/m, ""]) + editedLog([/^Model.*\n/m, ""]));
      expect(fault).to.equal("cut off");
      expect(detail).to.equal("the run of resnet50 has no total, it ends after step 30");
    });

    it("are refused when their lines are of two containers", async () => {
      const { fault, detail } = await refusalOf(prefixed((i) => `bench-${i < 27 ? 1 : 2}  | `));
      expect(fault).to.equal("mixed runs");
      expect(detail).to.contain("lines of [bench-1] and [bench-2]");
    });

    it("are refused when the total alone is of another container", async () => {
      const lines = editedLog().trimEnd().split("\n");
      const log = lines.map((line) => `bench-${line.startsWith("total") ? 2 : 1}  | ${line}\n`).join("");
      expect((await refusalOf(log)).fault).to.equal("mixed runs");
    });

    it("are refused when the device line alone is of another container", async () => {
      const { fault } = await refusalOf(prefixed((i) => `bench-${i < 4 ? 1 : 2}  | `));
      expect(fault).to.equal("mixed runs");
    });

    it("are read after a run that failed before its warm-up, on another card", async () => {
      const failed = editedLog([/^Running[^]*/m, "Killed\n"], [/Example 100/g, "Example 200"]);
      await expectRead(failed + editedLog());
    });

    it("are read after a run that was stopped in its steps without a word", () =>
      expectRead(editedLog([/^30\t[^]*/m, ""], [/Example 100/g, "Example 200"]) + editedLog()));

    it("are read one after the other, on one card after the other", async () => {
      const crashed = editedLog([/^30\t[^]*/m, "Killed\n"], [/Example 100/g, "Example 200"]);
      await expectRead(crashed + editedLog());
    });
  });

  describe("with something before each line", () => {
    for (const [title, prefixOf] of [
      ["docker logs --timestamps", (i: number) => `2027-01-15T09:00:${10 + i}.123456789Z `],
      ["kubectl logs --timestamps", (i: number) => `2027-01-15T09:00:${10 + i}.123456789+01:00 `],
      ["containerd", (i: number) => `2027-01-15T09:00:${10 + i}.123456789Z ${i % 2 === 0 ? "stdout" : "stderr"} F `],
      ["kubectl logs --prefix", () => "[pod/bench-0/worker] "],
      ["docker compose", () => "bench-1  | "],
      ["docker compose and timestamps", () => "bench_1    | 2027-01-15T09:00:00.123456789Z "],
      ["mpirun of Open MPI 4", (i: number) => `[1,0]<${i % 2 === 0 ? "stdout" : "stderr"}>:`],
      ["mpirun of Open MPI 5", () => "[prterun-node-7@1,0]<stdout>: "],
      ["mpiexec of Hydra", () => "[0] "],
      ["srun", () => "0: "],
      ["kubeflow's launcher", () => "INFO|2027-01-15T09:00:00|/opt/launcher.py|27| "],
      ["Jenkins", () => "[2027-01-15T09:00:00.123Z] "],
      ["journalctl", () => "Jan 15 09:00:00 node docker[812]: "],
      ["a terminal's colours", () => "\u001b[0;32m\u001b]0;title\u0007"],
      ["a terminal's set of characters", () => "\u001b(B\u001b[m"],
      ["blanks", () => "    "],
    ] as const) {
      it(`are read as ${title} gives them`, () => expectRead(prefixed(prefixOf)));
    }

    it("are read as docker's json-file driver stores them", async () => {
      const lines = editedLog().trimEnd().split("\n");
      const entry = (line: string) =>
        JSON.stringify({ log: `${line}\n`, stream: "stdout", time: "2027-01-15T09:00:00Z" });
      await expectRead(lines.map((line) => `${entry(line)}\n`).join(""));
    });

    it("are refused with the prefix when it is unknown", async () => {
      expect(await refusalOf(prefixed(() => "gpu7 bench> "))).to.deep.equal({
        fault: "no run",
        detail: 'holds no run of tf_cnn_benchmarks: line 5 has "gpu7 bench> " before "Model:"',
      });
    });

    it("are refused when the total has something before it", async () => {
      expect(await refusalOf(editedLog(["total images", "progress 40/40 total images"]))).to.deep.equal({
        fault: "cut off",
        detail: 'the run of resnet50 has no total of its own: line 33 has "progress 40/40 " before "total images/sec:"',
      });
    });

    it("do not lend the run before the lines of a model with something before it", async () => {
      const second = editedLog(["TensorFlow:  2.2\nModel:", "x Model:"], [/^(?:Dataset|Mode|Batch|Num|Dev).*\n/gm, ""]);
      const { fault } = await refusalOf(editedLog([/^10\t[^]*/m, ""]) + second.replace(/^1\t.*\n/m, ""));
      expect(fault).to.equal("cut off");
    });
  });

  describe("in other encodings", () => {
    const LITTLE_ENDIAN = Buffer.from(editedLog(), "utf16le");

    it("are read in UTF-16 with a byte order mark, as PowerShell writes them", async () => {
      await expectRead(Buffer.concat([Buffer.from([0xff, 0xfe]), LITTLE_ENDIAN]));
      await expectRead(Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(LITTLE_ENDIAN).swap16()]));
    });

    it("are read in UTF-16 without one", async () => {
      await expectRead(LITTLE_ENDIAN);
      await expectRead(Buffer.from(LITTLE_ENDIAN).swap16());
    });

    it("are read in UTF-8 with a byte order mark", () => expectRead(`\ufeff${editedLog()}`));

    for (const [format, start] of [
      ["gzip", [0x1f, 0x8b, 0x08]],
      ["zip", [0x50, 0x4b, 0x03, 0x04]],
      ["UTF-32", [0xff, 0xfe, 0x00, 0x00]],
    ] as const) {
      it(`are refused in ${format}, which is named`, async () => {
        expect(await refusalOf(Buffer.from(start))).to.deep.equal({
          fault: "not text",
          detail: `is in ${format}; convert it to text`,
        });
      });
    }
  });

  describe("that end without a newline", () => {
    it("are read when the total has its two decimals", () => expectRead(editedLog([/400\.55[^]*/, "400.55"])));

    it("are refused when the total was cut in a line that ends", async () => {
      expect(await refusalOf(editedLog(["400.55", "400.5"]))).to.deep.equal({
        fault: "cut off",
        detail: "the total of resnet50 is 400.5, which should have two decimals",
      });
    });

    it("are refused when the total was cut at the end of the file", async () => {
      const { fault, detail } = await refusalOf(editedLog([/400\.55[^]*/, "400.5"]));
      expect(fault).to.equal("cut off");
      expect(detail).to.equal("the run of resnet50 has no total, it ends after step 40");
    });
  });

  describe("of drivers that name the card in their own way", () => {
    it("are read as of a V100, with the driver's name as a remark", async () => {
      const log = editedLog([/NVIDIA Example 100/g, "Tesla V100-SXM2-16GB"]);
      const [{ gpu, device, remarks }] = await readLog(fileOf("a.log", log));
      expect([gpu, device]).to.deep.equal(["V100", "Tesla V100-SXM2-16GB"]);
      expect(remarks).to.deep.equal(['The driver calls the V100 "Tesla V100-SXM2-16GB"']);
    });

    const vega = editedLog([/NVIDIA Example 100/g, "Vega 20"]);

    it("are refused when the driver tells only the chip", async () => {
      expect(await refusalOf(vega)).to.deep.equal({
        fault: "ambiguous GPU",
        detail:
          '"Vega 20" does not tell the card: several have that chip (Radeon VII, Radeon Pro VII, ' +
          "Radeon Instinct MI50, Radeon Instinct MI60); name the card, for a log with --gpu",
      });
    });

    it("are read when the user names the card, which is remarked on", async () => {
      await expectRead(vega, "Radeon VII");
      const [{ remarks }] = await readLog(fileOf("a.log", vega), "AMD Radeon VII");
      expect(remarks).to.deep.equal(['The driver tells only the chip, "Vega 20"; Radeon VII was named by hand']);
    });

    it("are refused when the chip is not on the card that the user names", async () => {
      expect(await refusalOf(vega, "V100")).to.deep.equal({
        fault: "ambiguous GPU",
        detail:
          '"Vega 20" is not what a driver calls a V100; name one of ' +
          "Radeon VII, Radeon Pro VII, Radeon Instinct MI50, Radeon Instinct MI60",
      });
    });

    it("keep the driver's name whatever the user names", async () => {
      const [{ gpu }] = await readLog(fileOf("a.log", editedLog()), "RTX 2080 Ti");
      expect(gpu).to.equal("Example 100");
    });
  });

  it("are read when a slow card's speeds round up from one step to the next", async () => {
    const steps =
      "100\timages/sec: 0.5 +/- 0.0 (jitter = 0.0)\t7.9\n101\timages/sec: 0.6 +/- 0.0 (jitter = 0.0)\t7.9\n";
    const slow = editedLog([STEPS, ""], [/^Step.*\n/m, steps], ["400.55", "0.53"], ["batches: 40", "batches: 101"]);
    expect((await readLog(fileOf("a.log", slow)))[0].imagesPerSecondE3).to.equal(530n);
  });
});
