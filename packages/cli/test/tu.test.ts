import { readFileSync } from "node:fs";
import path from "node:path";

import { probeSince } from "@turingfog/cli";
import { expect } from "chai";

import { EXAMPLE_100, fileOf, printedBy, temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";
import { CommandProcess } from "../../../test/helpers/otherChain";

const LOG = path.join(EXAMPLE_100, "resnet50.log");

describe("tu rate", () => {
  it("ends with 1 and one line that says which networks are missing and what to do", async () => {
    const { code, stdout, stderr } = await CommandProcess.start("tu rate", [LOG]).outcome;
    expect(code).to.equal(1);
    expect(stdout.trim()).to.equal("");
    expect(stderr).to.contain(
      "Example 100 was not measured on ResNet-152, Inception v3, Inception v4, VGG-16, AlexNet, SSD300; " +
        "--partial rates it without",
    );
  });

  it("ends with 0 and prints JSON alone when asked", async () => {
    const { code, stdout } = await CommandProcess.start("tu rate", [EXAMPLE_100, "--json"]).outcome;
    expect(code).to.equal(0);
    const reports = JSON.parse(stdout) as { gpu: string; partial: boolean; precision: string }[];
    expect(reports).to.have.length(1);
    expect(reports[0]).to.include({ gpu: "Example 100", partial: false, precision: "fp32" });
  });

  it("refuses another precision than a TU's", async () => {
    const error = await thrownBy(printedBy("tu rate", EXAMPLE_100, "--precision", "fp16"));
    expect((error as Error).message).to.equal("The precision is fp16; a TU is defined by training in fp32");
  });

  it("says what is wrong with a path", async () => {
    const error = await thrownBy(printedBy("tu rate", path.join(EXAMPLE_100, "none")));
    expect((error as Error).message).to.match(/none is not there: neither a file nor a folder/);
  });

  it("rates what there is when a partial rating is asked for, and marks it", async () => {
    const printed = await printedBy("tu rate", LOG, "--partial");
    expect(printed).to.match(/^PARTIAL rating: 1\.9165 TU per day per GPU, without ResNet-152, .*cannot be attested$/m);
  });

  it("rates every GPU of a table, or the one that was asked for", async () => {
    const table = fileOf("a.csv", "network,A,B\nAlexNet,2762,5524\n");
    const all = await printedBy("tu rate", table, "--partial");
    expect(all.match(/^PARTIAL rating: \S+/gm)).to.deep.equal(["PARTIAL rating: 1.0000", "PARTIAL rating: 2.0000"]);
    const one = await printedBy("tu rate", table, "--partial", "--gpu", "B");
    expect(one.match(/^PARTIAL rating: \S+/gm)).to.deep.equal(["PARTIAL rating: 2.0000"]);
  });

  it("writes a chart", async () => {
    const chart = path.join(temporaryFolder(), "chart.svg");
    await printedBy("tu rate", EXAMPLE_100, "--chart", chart);
    expect(readFileSync(chart, "utf8")).to.match(/^<svg [^]*Example 100 in TU per day[^]*<\/svg>\n$/);
  });
});

describe("tu doctor", () => {
  it("kills a program that ignores a request to end", () => {
    const start = Date.now();
    const script = "process.on('SIGTERM', () => {}); console.log('one'); setInterval(() => {}, 1000)";
    const answer = probeSince(start, 1_000)(process.execPath, ["-e", script]);
    expect(answer).to.deep.equal({ status: null, output: "one\n", errors: "" });
    expect(Date.now() - start).to.be.below(10_000);
  });

  it("returns what a failing program printed, and nothing for one that is not there", () => {
    const probe = probeSince(Date.now());
    const answer = probe(process.execPath, ["-e", "console.log('a'); console.error('b'); process.exit(3)"]);
    expect(answer).to.deep.equal({ status: 3, output: "a\n", errors: "b\n" });
    expect(probe(path.join(EXAMPLE_100, "none"), [])).to.equal(undefined);
  });

  it("names every program that it asks", async () => {
    const printed = await printedBy("tu doctor", "--help");
    for (const program of ["nvidia-smi", "rocm-smi", "docker", "python3", "python"])
      expect(printed).to.contain(program);
  });
});
