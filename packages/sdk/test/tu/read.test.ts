import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { encodeMeasurementFile, GENESIS_RATINGS, imagesPerSecondE3Of, missingNetworks, ratingOf } from "@turingfog/sdk";
import {
  DuplicateNetworkError,
  NoLogsError,
  readMeasurements,
  SeveralGpusError,
  surveyFolder,
  UnknownGpuError,
  UnreadablePathError,
} from "@turingfog/sdk/node";
import { expect } from "chai";
import { parseUnits, toUtf8Bytes } from "ethers";

import {
  editedLog,
  EXAMPLE_100,
  EXAMPLE_100_E3,
  fileOf,
  folderOf,
  LOGS,
  PUBLISHED,
  thrownBy,
} from "../../../../test/helpers/tuLogs";

async function expectThrown(
  call: Promise<unknown>,
  type: new (...args: never[]) => Error,
  message: string,
): Promise<void> {
  const error = await thrownBy(call);
  expect(error).to.be.instanceOf(type);
  expect((error as Error).message).to.equal(message);
}

describe("readMeasurements", () => {
  it("refuses a path where nothing is", async () => {
    const none = path.join(LOGS, "none");
    for (const read of [readMeasurements, surveyFolder]) {
      const error = await thrownBy(read(none));
      expect(error).to.be.instanceOf(UnreadablePathError);
      expect((error as Error).message).to.equal(`${none} is not there: neither a file nor a folder has that name`);
    }
  });

  it("refuses a file in place of a folder", () => {
    const file = fileOf("a.log", "");
    return expectThrown(surveyFolder(file), UnreadablePathError, `${file} is a file, not a folder`);
  });

  it("reads files whose names end in capitals", async () => {
    const csv = fileOf("A.CSV", "network,V100\nAlexNet,1\n");
    expect((await readMeasurements(csv)).map(({ gpu }) => gpu)).to.deep.equal(["V100"]);
    const folder = folderOf({ "A.LOG": editedLog() });
    expect((await readMeasurements(folder)).map(({ gpu }) => gpu)).to.deep.equal(["Example 100"]);
  });

  it("refuses a folder without logs", () => {
    const folder = folderOf({ "README.md": "no log" });
    return expectThrown(readMeasurements(folder), NoLogsError, `${folder} holds no *.log`);
  });

  it("refuses a folder with logs of different GPUs", () => {
    const other = editedLog([/Example 100/g, "Example 200"], ["resnet50", "vgg16"]);
    const folder = folderOf({ "a.log": editedLog(), "b.log": other });
    return expectThrown(
      readMeasurements(folder),
      SeveralGpusError,
      `The logs are of different GPUs: Example 100 (${folder}/a.log), Example 200 (${folder}/b.log)`,
    );
  });

  it("refuses a folder with logs of two boards that are rated as one model", () => {
    const [sxm, pcie] = ["Tesla V100-SXM2-16GB", "Tesla V100-PCIE-16GB"].map(
      (name) => [/NVIDIA Example 100/g, name] as const,
    );
    const folder = folderOf({ "a.log": editedLog(sxm), "b.log": editedLog(pcie, ["resnet50", "vgg16"]) });
    return expectThrown(
      readMeasurements(folder),
      SeveralGpusError,
      `The logs are of different GPUs: Tesla V100-SXM2-16GB (${folder}/a.log), Tesla V100-PCIE-16GB (${folder}/b.log)`,
    );
  });

  it("takes the card that the user names for a driver that tells only the chip", async () => {
    const folder = folderOf({ "a.log": editedLog([/NVIDIA Example 100/g, "Vega 20"]) });
    expect((await readMeasurements(folder, "AMD Radeon VII")).map(({ gpu }) => gpu)).to.deep.equal(["Radeon VII"]);
    expect(await thrownBy(readMeasurements(folder))).to.include({ fault: "ambiguous GPU" });
  });

  it("finds a GPU of a table by any of its names", async () => {
    const table = fileOf("a.csv", "network,V100,B\nAlexNet,1,2\n");
    expect((await readMeasurements(table, "Tesla V100-SXM2-16GB")).map(({ gpu }) => gpu)).to.deep.equal(["V100"]);
  });

  it("refuses a folder with two logs of one network", () => {
    const folder = folderOf({ "a.log": editedLog(), "b.log": editedLog() });
    return expectThrown(
      readMeasurements(folder),
      DuplicateNetworkError,
      `ResNet-50 was measured in ${folder}/a.log and in ${folder}/b.log; keep one of them`,
    );
  });

  it("refuses a folder in which one log is refused", async () => {
    const folder = folderOf({ "a.log": editedLog(), "b.log": editedLog([/total images.*\n/, ""]) });
    expect(String(await thrownBy(readMeasurements(folder)))).to.contain(`${folder}/b.log: the run of resnet50 has no`);
  });

  it("refuses a GPU that is not among those measured", () =>
    expectThrown(
      readMeasurements(fileOf("a.csv", "network,A,B\nAlexNet,1,2\n"), "C"),
      UnknownGpuError,
      "C was not measured; those that were: A, B",
    ));

  it("reads a folder of logs, whatever else is in it", async () => {
    const [measurements, ...others] = await readMeasurements(EXAMPLE_100);
    expect(others).to.deep.equal([]);
    expect(measurements.gpu).to.equal("Example 100");
    expect(imagesPerSecondE3Of(measurements)).to.deep.equal(EXAMPLE_100_E3);
  });

  it("reads one log, and passes its remarks on", async () => {
    const file = fileOf("vgg16.txt", editedLog());
    const [{ measured, remarks }] = await readMeasurements(file);
    expect(Object.keys(measured)).to.deep.equal(["ResNet-50"]);
    expect(remarks).to.have.length(1);
  });

  it("reads the GPUs of a table in CSV or JSON, or the one that was asked for", async () => {
    const csv = fileOf("a.csv", "network,A,B\nAlexNet,1,2\n");
    const json = fileOf("a.json", '{"A":{"AlexNet":1},"B":{"AlexNet":2}}');
    for (const file of [csv, json]) {
      expect((await readMeasurements(file)).map(({ gpu }) => gpu)).to.deep.equal(["A", "B"]);
      expect((await readMeasurements(file, "B")).map(({ gpu }) => gpu)).to.deep.equal(["B"]);
    }
  });

  it("reads a measurement file back to the same bytes", async () => {
    const [measurements] = await readMeasurements(EXAMPLE_100);
    const bytes = encodeMeasurementFile(measurements);
    const [read] = await readMeasurements(fileOf("a.json", bytes));
    expect(encodeMeasurementFile(read)).to.deep.equal(bytes);
  });

  it("refuses a measurement file that was touched", async () => {
    const [measurements] = await readMeasurements(EXAMPLE_100);
    const touched = Buffer.concat([encodeMeasurementFile(measurements), toUtf8Bytes("\n")]);
    expect(String(await thrownBy(readMeasurements(fileOf("a.json", touched))))).to.contain("not in canonical form");
  });

  // The published measurements stand beside the project and not in it: without them these cases cannot run, and all
  // that they show of the reader, the cases above show with logs and tables of our own.
  if (existsSync(PUBLISHED)) {
    describe("on published measurements", () => {
      for (const [folder, gpu] of [
        ["gtx-1080-ti", "GTX 1080 Ti"],
        ["rtx-2080-ti", "RTX 2080 Ti"],
        ["a100-pcie-40gb", "A100-PCIE-40GB"],
      ]) {
        it(`reads the six logs of the ${gpu} without a hint, each total as it stands`, async () => {
          const [measurements] = await readMeasurements(path.join(PUBLISHED, "gpu-logs", folder));
          expect(measurements.gpu).to.equal(gpu);
          expect(missingNetworks(measurements)).to.deep.equal(["SSD300"]);
          for (const [file, network] of [
            ["resnet50", "ResNet-50"],
            ["resnet152", "ResNet-152"],
            ["inception3", "Inception v3"],
            ["inception4", "Inception v4"],
            ["vgg16", "VGG-16"],
            ["alexnet", "AlexNet"],
          ] as const) {
            const log = readFileSync(path.join(PUBLISHED, "gpu-logs", folder, `${file}.log`), "utf8");
            const total = /^total images\/sec: (.*)$/m.exec(log)?.[1] ?? "";
            expect(measurements.measured[network]?.imagesPerSecondE3, network).to.equal(parseUnits(total, 3));
          }
        });
      }

      it("rates the seven GPUs of the 2019 table within 1 % of the genesis ratings", async () => {
        const all = await readMeasurements(path.join(PUBLISHED, "lambda-2019-fp32.csv"));
        expect(all.map(({ gpu }) => gpu)).to.have.members(Object.keys(GENESIS_RATINGS));
        for (const measurements of all) {
          const published = GENESIS_RATINGS[measurements.gpu];
          const rating = ratingOf(imagesPerSecondE3Of(measurements));
          const apart = rating > published ? rating - published : published - rating;
          expect(apart * 100n, measurements.gpu).to.be.below(published);
        }
      });
    });
  }
});
