import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import path from "node:path";

import {
  InvalidThroughputError,
  type LogFault,
  LogReader,
  MAX_DEVIATION,
  NETWORKS,
  OutOfRangeError,
  RefusedLogError,
  ZeroThroughputError,
} from "@turingfog/sdk";
import { readLog } from "@turingfog/sdk/node";
import { expect } from "chai";

import { editedLog, EXAMPLE_100, EXAMPLE_100_E3, fileOf, LOGS, thrownBy } from "../../../../test/helpers/tuLogs";

const DEVICE_LINE = /^.*-> physical GPU.*\n/gm;
const LOSSES = /7\.6\d\d$/gm;
const FILES = ["resnet50", "resnet152", "inception3", "inception4", "vgg16", "alexnet", "ssd300"];

async function expectRefused(file: string, fault: LogFault, detail: string): Promise<void> {
  const error = await thrownBy(readLog(file));
  expect(error).to.be.instanceOf(RefusedLogError);
  const refusal = error as RefusedLogError;
  expect(refusal.fault).to.equal(fault);
  expect(refusal.message).to.equal(`${file}: ${detail}`);
}

describe("readLog", () => {
  it("refuses a file that is no such log", () =>
    expectRefused(fileOf("a.log", "Hello\n"), "no run", "holds no run of tf_cnn_benchmarks"));

  it("refuses an empty file", () => expectRefused(fileOf("a.log", ""), "no run", "holds no run of tf_cnn_benchmarks"));

  it("refuses a log that failed before its first run, with the error", () =>
    expectRefused(
      fileOf("a.log", "Traceback (most recent call last):\nImportError: libcudart.so.10.1: cannot open\n"),
      "failed",
      "failed: ImportError: libcudart.so.10.1: cannot open",
    ));

  it("refuses a log that was cut off, and says where", () =>
    expectRefused(
      path.join(LOGS, "refused/cut-off.log"),
      "cut off",
      "the run of resnet50 has no total, it ends after step 30",
    ));

  it("refuses a log that was cut off in the warm-up", () =>
    expectRefused(
      fileOf("a.log", editedLog([/Done warm up[^]*/, ""])),
      "cut off",
      "the run of resnet50 has no total, it ends before its first step",
    ));

  it("refuses a log that was cut off within its total", () =>
    expectRefused(
      fileOf("a.log", editedLog([/400\.55\n-+\n$/, "400"])),
      "cut off",
      "the run of resnet50 has no total, it ends after step 40",
    ));

  it("refuses a log of a failed run, with the error", () =>
    expectRefused(
      path.join(LOGS, "refused/failed.log"),
      "failed",
      "the run of resnet152 failed: tensorflow.python.framework.errors_impl.ResourceExhaustedError: " +
        "OOM when allocating tensor with shape[512,256,56,56]",
    ));

  it("refuses a log of an inference", () =>
    expectRefused(
      path.join(LOGS, "refused/inference.log"),
      "not training",
      "resnet50 was run for forward-only, not for training",
    ));

  it("refuses a log of real data", () =>
    expectRefused(
      path.join(LOGS, "refused/real-data.log"),
      "real data",
      "resnet50 was trained on real imagenet data, so the disks were measured too",
    ));

  for (const [title, edit, what] of [
    ["another network", ["Model:       resnet50", "Model:       resnet101"], "resnet101 on imagenet"],
    [
      "another version of a network",
      ["Model:       resnet50", "Model:       resnet50_v1.5"],
      "resnet50_v1.5 on imagenet",
    ],
    ["a network on smaller images", ["imagenet", "cifar10"], "resnet50 on cifar10"],
  ] as const) {
    it(`refuses a log of ${title}`, () =>
      expectRefused(fileOf("a.log", editedLog(edit)), "other network", `${what} is none of ${NETWORKS.join(", ")}`));
  }

  it("refuses a log of several GPUs", () =>
    expectRefused(
      path.join(LOGS, "refused/multi-gpu.log"),
      "not one GPU",
      "resnet50 was run on [/gpu:0, /gpu:1], not on one GPU",
    ));

  it("refuses a log of a processor", () =>
    expectRefused(
      fileOf("a.log", editedLog(["/gpu:0'", "/cpu:0'"])),
      "not one GPU",
      "resnet50 was run on [/cpu:0], not on one GPU",
    ));

  it("refuses a log of several machines with one GPU each", () =>
    expectRefused(
      fileOf("a.log", editedLog(["64 global", "256 global"])),
      "not one GPU",
      "resnet50 was run on several machines: 256 images a batch, 64 of them on this GPU",
    ));

  it("refuses a log that does not name the GPU", () =>
    expectRefused(
      fileOf("a.log", editedLog([DEVICE_LINE, ""])),
      "unknown GPU",
      "TensorFlow's line that names the GPU of /gpu:0 is missing",
    ));

  it("does not take another device's name for the GPU's", () =>
    expectRefused(
      fileOf("a.log", editedLog([/device:GPU:0 with/g, "device:GPU:1 with"])),
      "unknown GPU",
      "TensorFlow's line that names the GPU of /gpu:0 is missing",
    ));

  it("does not take an earlier run's GPU for that of a run that names none", async () => {
    const file = fileOf("a.log", editedLog());
    appendFileSync(file, editedLog([DEVICE_LINE, ""]));
    await expectRefused(file, "unknown GPU", "TensorFlow's line that names the GPU of /gpu:0 is missing");
  });

  it("refuses a total that is no number", async () => {
    const error = await thrownBy(readLog(fileOf("a.log", editedLog(["400.55", "nan"]))));
    expect(error).to.be.instanceOf(InvalidThroughputError);
    expect((error as Error).message).to.match(/a\.log: "nan" is not a number of images per second$/);
  });

  it("refuses a total of zero", async () => {
    const error = await thrownBy(readLog(fileOf("a.log", editedLog(["400.55", "0.00"]))));
    expect(error).to.be.instanceOf(ZeroThroughputError);
  });

  it("refuses a total that the registry cannot hold", async () => {
    const error = await thrownBy(readLog(fileOf("a.log", editedLog(["400.55", "4294967.30"]))));
    expect(error).to.be.instanceOf(OutOfRangeError);
  });

  it("refuses a total without a warm-up", () =>
    expectRefused(
      fileOf("a.log", editedLog(["Done warm up\n", ""])),
      "implausible",
      "resnet50 has a total and no warm-up",
    ));

  it("refuses a total without steps", () =>
    expectRefused(
      fileOf("a.log", editedLog([/^\d+\timages.*\n/gm, ""])),
      "implausible",
      "resnet50 has a total and no step line",
    ));

  // the steps' median is 402.2
  for (const [total, apart] of [
    ["422.72", "5.1"],
    ["381.68", "5.1"],
  ]) {
    it(`refuses a total of ${total}, which the step lines belie`, () =>
      expectRefused(
        fileOf("a.log", editedLog(["400.55", total])),
        "implausible",
        `the total of resnet50 is ${total} images/s, its step lines' median 402.2: ` +
          `${apart} % apart, at most ${MAX_DEVIATION * 100} % is plausible`,
      ));
  }

  for (const total of ["422.30", "382.10"]) {
    it(`takes a total of ${total}, just within what the step lines allow`, async () => {
      const [{ imagesPerSecondE3 }] = await readLog(fileOf("a.log", editedLog(["400.55", total])));
      expect(imagesPerSecondE3).to.equal(BigInt(total.replace(".", "")) * 10n);
    });
  }

  for (const [i, name] of FILES.entries()) {
    it(`reads ${NETWORKS[i]}, its GPU and its total`, async () => {
      const file = path.join(EXAMPLE_100, `${name}.log`);
      expect(await readLog(file)).to.deep.equal([
        {
          network: NETWORKS[i],
          gpu: "Example 100",
          device: "Example 100",
          imagesPerSecondE3: EXAMPLE_100_E3[i],
          source: `0x${createHash("sha256").update(readFileSync(file)).digest("hex")}`,
          remarks: [],
        },
      ]);
    });
  }

  it("reads the GPU's name as newer TensorFlow writes it", async () => {
    const file = fileOf("a.log", editedLog([/physical GPU \(device: 0(.*)\)/g, "device: 0$1"]));
    expect((await readLog(file))[0].gpu).to.equal("Example 100");
  });

  it("counts the last finished run of each network, whatever became of the others", async () => {
    const measured = await readLog(path.join(LOGS, "several-runs.log"));
    expect(measured.map(({ network, imagesPerSecondE3 }) => [network, imagesPerSecondE3])).to.deep.equal([
      ["ResNet-50", 401_250n],
      ["VGG-16", 229_950n],
    ]);
  });

  it("refuses a log in which one of the networks never finished", async () => {
    const file = fileOf("a.log", editedLog());
    appendFileSync(file, readFileSync(path.join(LOGS, "refused/failed.log")));
    const error = await thrownBy(readLog(file));
    expect((error as RefusedLogError).fault).to.equal("failed");
  });

  it("does not look past an inference that finished last", async () => {
    const file = fileOf("a.log", editedLog());
    appendFileSync(file, readFileSync(path.join(LOGS, "refused/inference.log")));
    await expectRefused(file, "not training", "resnet50 was run for forward-only, not for training");
  });

  it("is not misled by what is printed after the total", async () => {
    const file = fileOf("a.log", editedLog([/$/, "Devices:     ['/gpu:0', '/gpu:1']\ntotal images/sec: 999.99\n"]));
    expect((await readLog(file))[0].imagesPerSecondE3).to.equal(400_550n);
  });

  it("reads the network out of the log, and remarks on a file that is named after another", async () => {
    const file = fileOf("vgg16.log", editedLog());
    const [{ network, remarks }] = await readLog(file);
    expect(network).to.equal("ResNet-50");
    expect(remarks).to.deep.equal([`${file} is named after another network than it was made with, ResNet-50`]);
  });

  it("remarks on a compilation by XLA and on a loss that is not a number", async () => {
    const xla = [
      "Done warm up",
      "2027-01-15: I xla_compilation_cache.cc:241] Compiled cluster using XLA!\nDone warm up",
    ];
    const [{ remarks }] = await readLog(fileOf("a.log", editedLog([xla[0], xla[1]], [LOSSES, "nan 1800000000"])));
    expect(remarks).to.deep.equal([
      "ResNet-50 was compiled by XLA",
      "ResNet-50 was trained to a loss that is not a number",
    ]);
  });

  it("reads a log of Windows lines", async () => {
    const file = fileOf("a.log", editedLog([/\n/g, "\r\n"]));
    expect((await readLog(file))[0].imagesPerSecondE3).to.equal(400_550n);
  });

  it("reads through megabytes of noise, a line without end among it", async () => {
    const noise = `${"W tensorflow: noise\n".repeat(200_000)}${"\u0001#".repeat(2_000_000)}\n`;
    const file = fileOf("a.log", editedLog(["Done warm up", `${noise}Done warm up`]));
    expect((await readLog(file))[0].imagesPerSecondE3).to.equal(400_550n);
  });
});

describe("LogReader.images", () => {
  const imagesOf = (text: string): number => {
    const reader = new LogReader();
    for (const line of text.split("\n")) reader.read(line);
    return reader.images();
  };

  it("counts the steps that were shown, each of a batch", () => {
    expect(imagesOf(editedLog())).to.equal(40 * 64);
    expect(imagesOf(editedLog([/^40\timages[^]*/m, ""]))).to.equal(30 * 64);
    expect(imagesOf(editedLog() + editedLog())).to.equal(2 * 40 * 64);
  });

  it("counts nothing of a run that trains nothing, shows no step, has no batch, or is mixed with another", () => {
    expect(imagesOf(editedLog([/^Mode: .*/m, "Mode:        forward-only"]))).to.equal(0);
    expect(imagesOf(editedLog([/^1\timages[^]*/m, ""]))).to.equal(0);
    expect(imagesOf(editedLog([/^Batch size: .*/m, "Batch size:  64"]))).to.equal(0);
    expect(imagesOf(editedLog([/^40\timages/m, "20\timages"]))).to.equal(0);
  });
});
