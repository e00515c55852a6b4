import { type LogFault, RefusedLogError } from "@turingfog/sdk";
import { readLog } from "@turingfog/sdk/node";
import { expect } from "chai";

import { editedLog, fileOf, thrownBy } from "../../../../test/helpers/tuLogs";

const START_UP =
  "2027-01-15 09:00:00.000002: I tensorflow/core/platform/cpu_feature_guard.cc:142] Your CPU supports AVX2\n";
const XLA = "2027-01-15 09:00:02.000000: I xla_compilation_cache.cc:241] Compiled cluster using XLA!\n";
const TF32 = "cuda_blas.cc:1786] TensorFloat-32 will be used for the matrix multiplication.\n";
const OOM =
  "Traceback (most recent call last):\n" +
  "ResourceExhaustedError (see above for traceback): OOM when allocating tensor with shape[64]\n";
const OOM_WORDS = "ResourceExhaustedError (see above for traceback): OOM when allocating tensor with shape[64]";

/** The log as Python writes it to a file: its errors as they come, its output at the end. */
function buffered(log: string, errors = ""): string {
  const lines = log.split(/(?<=\n)/);
  const isError = (line: string) => /^(?:\d{4}-|WARNING)/.test(line);
  return lines.filter(isError).join("") + errors + lines.filter((line) => !isError(line)).join("");
}

const CUT = editedLog([/^30\t[^]*/m, ""]);

async function refusalOf(log: string): Promise<{ fault: LogFault; detail: string }> {
  const file = fileOf("a.log", log);
  const error = await thrownBy(readLog(file));
  expect(error).to.be.instanceOf(RefusedLogError);
  const { fault, message } = error as RefusedLogError;
  return { fault, detail: message.slice(`${file}: `.length) };
}

async function remarksOf(log: string): Promise<string[]> {
  const [{ gpu, imagesPerSecondE3, remarks }, ...others] = await readLog(fileOf("a.log", log));
  expect(others).to.deep.equal([]);
  expect([gpu, imagesPerSecondE3]).to.deep.equal(["Example 100", 400_550n]);
  return remarks;
}

describe("logs of which Python held the output back", () => {
  it("are read", async () => {
    expect(await remarksOf(buffered(editedLog()))).to.deep.equal([]);
  });

  it("keep the notes of XLA and TF32 that come before the head", async () => {
    expect(await remarksOf(buffered(editedLog(), XLA + TF32))).to.deep.equal([
      "ResNet-50 was compiled by XLA",
      "ResNet-50 was trained with multiplications in TF32",
    ]);
  });

  it("leave those notes out of the next run in the same file", async () => {
    expect(await remarksOf(buffered(editedLog(), XLA + TF32) + buffered(editedLog()))).to.deep.equal([]);
  });

  it("are refused as failed with the error before the head, when there is no total", async () => {
    expect(await refusalOf(buffered(CUT, OOM))).to.deep.equal({
      fault: "failed",
      detail: `the run of resnet50 failed: ${OOM_WORDS}`,
    });
  });

  it("give the good run after one that failed", async () => {
    const failed = START_UP + buffered(CUT, OOM);
    expect(await remarksOf(failed + START_UP + buffered(editedLog()))).to.deep.equal([]);
    expect(await remarksOf(failed + START_UP + editedLog())).to.deep.equal([]);
  });

  it("give the good run after a process that failed before its head", async () => {
    expect(await remarksOf(START_UP + OOM + START_UP + buffered(editedLog()))).to.deep.equal([]);
  });

  it("are refused when two processes of TensorFlow's began before one head", async () => {
    expect(await refusalOf(START_UP + START_UP + buffered(editedLog()))).to.deep.equal({
      fault: "mixed runs",
      detail:
        "the lines of two runs are mixed: TensorFlow began twice before one head, in line 2; " +
        "log each run to a file of its own",
    });
  });

  it("are refused when two processes opened the driver before one head", async () => {
    const opened = "dso_loader.cc:49] Successfully opened dynamic library libcuda.so.1\n";
    const { fault, detail } = await refusalOf(opened + opened + buffered(editedLog()));
    expect(fault).to.equal("mixed runs");
    expect(detail).to.contain("TensorFlow began twice before one head, in line 2");
  });

  it("are refused when two cards of one name have TensorFlow's index", async () => {
    const other = editedLog([/pci bus id: [\w:.]+/, "pci bus id: 0000:81:00.0"]);
    const { fault, detail } = await refusalOf(buffered(other));
    expect(fault).to.equal("mixed runs");
    expect(detail).to.match(/^the lines of two runs are mixed: \/gpu:0 of resnet50 is 0000:81:00\.0 and 0000:/);
  });

  it("are refused when another index than the run's stands for two cards", async () => {
    const line = (name: string) =>
      `Created device /device:GPU:1 with 22000 MB memory:  -> device: 1, name: ${name}, pci bus id: 0000:02:00.0\n`;
    const { fault, detail } = await refusalOf(line("Example 200") + line("Example 300") + editedLog());
    expect(fault).to.equal("mixed runs");
    expect(detail).to.contain("/gpu:1 of resnet50 is Example 200 and Example 300");
  });
});

describe("logs of failed runs", () => {
  for (const line of [
    "ResourceExhaustedError (see above for traceback): OOM when allocating tensor",
    "run.sh: line 3: 12345 Segmentation fault      (core dumped) python tf_cnn_benchmarks.py",
    "/bin/sh: 1: Killed",
    "Fatal Python error: Aborted",
    "slurmstepd: error: Detected 1 oom-kill event(s) in step 812.batch cgroup.",
    "slurmstepd: error: *** JOB 812 ON node-7 CANCELLED AT 2027-01-15T09:00:00 DUE TO TIME LIMIT ***",
    "srun: error: node-7: task 0: Out Of Memory",
  ]) {
    it(`are refused with the words "${line}"`, async () => {
      expect(await refusalOf(`${CUT}${line}\n`)).to.deep.equal({
        fault: "failed",
        detail: `the run of resnet50 failed: ${line}`,
      });
    });
  }

  it("are refused with a fatal line of TensorFlow's", async () => {
    const line = "2027-01-15 09:00:09.000000: F tensorflow/stream_executor/cuda/cuda_driver.cc:175] Check failed: err";
    const { fault, detail } = await refusalOf(`${CUT}${line}\n`);
    expect(fault).to.equal("failed");
    expect(detail).to.contain("F tensorflow/stream_executor/cuda/cuda_driver.cc:175] Check failed: err");
  });
});

describe("logs of evaluations", () => {
  const accuracy = "Accuracy @ 1 = 0.0010 Accuracy @ 5 = 0.0050 [2560 examples]\n";

  it("are refused as no training by their mode, though they have no total", async () => {
    const log = editedLog(["Mode:        training", "Mode:        training + evaluation"], [/^30\t[^]*/m, ""]);
    expect(await refusalOf(log)).to.deep.equal({
      fault: "not training",
      detail: "resnet50 was run for training + evaluation, not for training",
    });
  });

  it("are refused as no training by their accuracy", async () => {
    expect(await refusalOf(CUT + accuracy)).to.deep.equal({
      fault: "not training",
      detail: "resnet50 was run for evaluation too, not for training",
    });
  });

  it("are refused as failed when they failed", async () => {
    expect((await refusalOf(`${CUT}${accuracy}Killed\n`)).fault).to.equal("failed");
  });

  it('are refused as no training with "forward only"', async () => {
    const { fault } = await refusalOf(editedLog(["Mode:        training", "Mode:        forward only"]));
    expect(fault).to.equal("not training");
  });
});

describe("lines of other programs", () => {
  for (const line of [
    "Model:               85",
    "Model: ATA Samsung SSD 860 (scsi)",
    "Model: \t\t GeForce GTX 1080 Ti",
    'Model: "sequential"',
    "CPU Model:     Intel Xeon",
    "Mode: 0 (Default)",
  ]) {
    it(`are passed over: ${JSON.stringify(line)}`, async () => {
      for (const place of [/^/, /^(?=Running warm up)/m, /^(?=30\t)/m, /$/]) {
        expect(await remarksOf(editedLog([place, `${line}\n`]))).to.deep.equal([]);
      }
    });
  }

  it("make no run of themselves", async () => {
    const log = 'Architecture: x86_64\nModel:               85\nModel: "sequential"\n';
    expect((await refusalOf(log)).detail).to.equal("holds no run of tf_cnn_benchmarks");
  });
});

describe("commands in logs", () => {
  for (const command of [
    "python -m tf_cnn_benchmarks --model=resnet50 --use_fp16",
    "python tf_cnn_benchmarks.py -use_fp16",
    "    --use_fp16 \\",
    "    --use_fp16=true \\",
    "['python', 'tf_cnn_benchmarks.py', '--use_fp16', '--model=resnet50']",
    "['python', 'tf_cnn_benchmarks.py', '--use_fp16=True']",
    "use_fp16: true",
    "TF_ENABLE_AUTO_MIXED_PRECISION: 1",
    'TF_ENABLE_AUTO_MIXED_PRECISION: "1"',
    "ENV TF_ENABLE_AUTO_MIXED_PRECISION 1",
    "-e TF_ENABLE_AUTO_MIXED_PRECISION_GRAPH_REWRITE=1",
  ]) {
    it(`are refused for half precision: ${command}`, async () => {
      expect((await refusalOf(editedLog([/^/, `${command}\n`]))).fault).to.equal("other precision");
    });
  }

  for (const command of [
    "python -m tf_cnn_benchmarks --use_fp16=false",
    "    --use_fp16=False \\",
    "['--use_fp16=false']",
    "python tf_cnn_benchmarks.py --nouse_fp16",
    "  --[no]use_fp16: Use 16-bit floats for certain tensors",
    "--fp16_loss_scale=128",
    "TF_ENABLE_AUTO_MIXED_PRECISION: 0",
    "TF_ENABLE_AUTO_MIXED_PRECISION=0",
    "use_fp16: false",
  ]) {
    it(`are read in single precision: ${command}`, async () => {
      expect(await remarksOf(editedLog([/^/, `${command}\n`]))).to.deep.equal([]);
    });
  }
});

describe("logs of a part of the work or of the card", () => {
  const worker = ["['/gpu:0']", "['/job:worker/task:0/gpu:0']"] as const;
  const server = ["Variables:   replicated", "Variables:   parameter_server"] as const;

  it("are refused when a parameter server has the variables", async () => {
    expect(await refusalOf(editedLog(worker, server))).to.deep.equal({
      fault: "not one GPU",
      detail: "resnet50 was run on a worker whose variables are elsewhere: parameter_server",
    });
  });

  it("are read with the variables on the machine's own processor", async () => {
    expect(await remarksOf(editedLog(server))).to.deep.equal([]);
  });

  it("are refused for a slice, by its name", async () => {
    const { fault, detail } = await refusalOf(editedLog([/Example 100/g, "A100-SXM4-40GB MIG 3g.20gb"]));
    expect(fault).to.equal("part of a GPU");
    expect(detail).to.equal('"A100-SXM4-40GB MIG 3g.20gb" is a part of a card; rate the whole card');
  });

  it("are refused for a slice, by its memory in any of the device lines", async () => {
    const log = editedLog([/NVIDIA Example 100/g, "Tesla V100-PCIE-16GB"]);
    const places = [/22000 MB/, /22000 MB(?![^]*22000 MB)/];
    for (const place of places) {
      const { fault, detail } = await refusalOf(log.replace(place, "7010 MB"));
      expect(fault).to.equal("part of a GPU");
      expect(detail).to.contain("TensorFlow got 7010 MB of a Tesla V100-PCIE-16GB, which has 16 GB");
    }
  });

  it("are refused for a device that has no card's name", async () => {
    const { fault, detail } = await refusalOf(editedLog([/NVIDIA Example 100/g, "NVIDIA Graphics Device"]));
    expect(fault).to.equal("unknown GPU");
    expect(detail).to.equal('"Graphics Device" is not a card\'s name');
  });
});

describe("logs of which the encoding changes", () => {
  const half = editedLog().length / 2;
  const [first, second] = [editedLog().slice(0, half), editedLog().slice(half)];

  for (const [title, bytes] of [
    ["from UTF-8 to UTF-16", [Buffer.from(first), Buffer.from(second, "utf16le")]],
    ["from UTF-8 to UTF-16 with a mark", [Buffer.from(first), Buffer.from(`\ufeff${second}`, "utf16le")]],
    ["from UTF-16 to UTF-8", [Buffer.from(first, "utf16le"), Buffer.from(second)]],
    ["from marked UTF-16 to UTF-8", [Buffer.from(`\ufeff${first}`, "utf16le"), Buffer.from(second)]],
    ["to NULs", [Buffer.from(first), Buffer.alloc(100), Buffer.from(second)]],
  ] as const) {
    it(`${title} are refused by name`, async () => {
      const file = fileOf("a.log", Buffer.concat(bytes));
      const error = (await thrownBy(readLog(file))) as RefusedLogError;
      expect(error.fault).to.equal("not text");
      expect(error.message).to.contain("its encoding changes midway");
    });
  }

  it("are read in UTF-16 with Chinese in them", async () => {
    const text = `\ufeff${editedLog([/^/, "\u4e2d\u6587\u65e5\u5fd7\u6587\u4ef6\u4e2d\u4e2d\u6587\u7684\u9519\u8bef\u4fe1\u606f\u5982\u4e0b\n"])}`;
    const [{ imagesPerSecondE3 }] = await readLog(fileOf("a.log", Buffer.from(text, "utf16le")));
    expect(imagesPerSecondE3).to.equal(400_550n);
  });
});
