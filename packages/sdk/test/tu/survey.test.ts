import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { formatSurvey, survey } from "@turingfog/sdk";
import { surveyFolder } from "@turingfog/sdk/node";
import { expect } from "chai";

import { editedLog, folderOf, thrownBy } from "../../../../test/helpers/tuLogs";

describe("survey", () => {
  it("counts the logs of a folder and of the folders in it, by what became of each", async () => {
    const folder = folderOf({
      "a.log": editedLog(),
      "b.log": editedLog(["Mode:        training", "Mode:        forward-only"]),
      "c.txt": "Hello\n",
      "d.log": editedLog(["400.55", "nan"]),
      "README.md": "no log",
    });
    mkdirSync(path.join(folder, "e"));
    writeFileSync(path.join(folder, "e/f.log"), "Hello\n");

    const found = await surveyFolder(folder);
    expect([found.read, found.refused]).to.deep.equal([1, 4]);
    expect([...found.faults]).to.deep.equal([
      ["no run", 2],
      ["InvalidThroughputError", 1],
      ["not training", 1],
    ]);
    expect(formatSurvey(found)).to.equal(
      [
        `${folder}/a.log: ResNet-50 Example 100 400550`,
        `${folder}/b.log: resnet50 was run for forward-only, not for training (not training)`,
        `${folder}/c.txt: holds no run of tf_cnn_benchmarks (no run)`,
        `${folder}/d.log: "nan" is not a number of images per second (InvalidThroughputError)`,
        `${folder}/e/f.log: holds no run of tf_cnn_benchmarks (no run)`,
        "",
        "5 logs: 1 read, 4 refused",
        "     2 no run",
        "     1 InvalidThroughputError",
        "     1 not training",
      ].join("\n"),
    );
  });

  it("does not take a failure of its own for a refusal", async () => {
    const error = new Error("the disk is on fire");
    expect(await thrownBy(survey(["a.log"], () => Promise.reject(error)))).to.equal(error);
  });
});
