import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { UsageError } from "@turingfog/cli";
import { BenchmarkFailedError, initNodeFolder, runBenchmark } from "@turingfog/network";
import { imagesPerSecondE3Of, ratingOf } from "@turingfog/sdk";
import { readMeasurements } from "@turingfog/sdk/node";
import { expect } from "chai";
import { formatUnits } from "ethers";
import JSON5 from "json5";

import { EXAMPLE_100, printedBy, temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";

/** A stand-in for the benchmark: prints the log of a network. */
const STAND_IN = ["/bin/cat", path.join(EXAMPLE_100, "{model}.log")];

const benchmark = (logs: string, ...args: string[]) => printedBy("node benchmark", "--logs", logs, ...args);

describe("turingfog node benchmark", () => {
  it("runs each network that has no log yet, keeps what is printed, and rates the GPU by it", async () => {
    const logs = temporaryFolder();
    copyFileSync(path.join(EXAMPLE_100, "vgg16.log"), path.join(logs, "vgg16.log"));
    const printed = await benchmark(logs, "--", ...STAND_IN);
    expect(printed).not.to.contain("VGG-16, 5 of 7: ");
    expect(printed).to.contain(`ResNet-50, 1 of 7: /bin/cat ${EXAMPLE_100}/resnet50.log`);
    expect(readdirSync(logs).sort()).to.deep.equal(readdirSync(EXAMPLE_100).sort());
    for (const name of readdirSync(EXAMPLE_100)) {
      expect(readFileSync(path.join(logs, name), "utf8"), name).to.equal(
        readFileSync(path.join(EXAMPLE_100, name), "utf8"),
      );
    }
    const [measured] = await readMeasurements(EXAMPLE_100);
    const rating = ratingOf(imagesPerSecondE3Of(measured));
    expect(printed).to.contain(`Rating: ${formatUnits(rating, 18).slice(0, 6)} TU per day per GPU`);
    expect(printed).to.contain(`Next: turingfog node register --network NAME --log ${logs} --uri `);
  });

  it("says which networks are missing", async () => {
    const logs = temporaryFolder();
    const printed = await benchmark(logs, "--name", "first", "--", "/bin/cat", path.join(EXAMPLE_100, "alexnet.log"));
    expect(readdirSync(logs)).to.deep.equal(["first.log"]);
    expect(printed)
      .to.match(/ResNet-50 +missing/)
      .and.match(/AlexNet +5,000\.150/);
    expect(printed).to.contain("PARTIAL rating").and.contain("Next: run the networks that are missing");
    const again = benchmark(logs, "--name", "first", "--", "/bin/true");
    expect(await thrownBy(again)).to.be.instanceOf(UsageError);
  });

  it("takes the command of a node's configuration", async () => {
    const folder = temporaryFolder();
    await initNodeFolder(folder, {
      network: "localhost",
      deployments: "deployments",
      nodeId: 1n,
      signers: ["https://s.example"],
    });
    const config = path.join(folder, "node.json5");
    const before = await thrownBy(benchmark(temporaryFolder(), "--config", config));
    expect((before as Error).message).to.contain("node.json5, benchmark: must have the command to run");
    const [command, ...args] = STAND_IN;
    const changed = { ...JSON5.parse<object>(readFileSync(config, "utf8")), benchmark: { command, args } };
    writeFileSync(config, JSON.stringify(changed));
    const printed = await benchmark(temporaryFolder(), "--config", config, "--json");
    const { ratings } = JSON.parse(printed.slice(printed.indexOf("{\n"))) as { ratings: { partial: boolean }[] };
    expect(ratings.map(({ partial }) => partial)).to.deep.equal([false]);
  });

  it("refuses to guess the command", async () => {
    expect(await thrownBy(benchmark(temporaryFolder()))).to.be.instanceOf(UsageError);
    const both = benchmark(temporaryFolder(), "--config", "node.json5", "--", "/bin/true");
    expect(await thrownBy(both)).to.be.instanceOf(UsageError);
  });
});

describe("runBenchmark", () => {
  it("leaves no log of a command that fails, and says where its output is", async () => {
    const log = path.join(temporaryFolder(), "a.log");
    const failing = runBenchmark({ command: ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], log });
    const error = await thrownBy(failing);
    expect(error).to.be.instanceOf(BenchmarkFailedError);
    expect((error as Error).message).to.contain(`ended with 3: what it has printed is in ${log}.part`);
    expect(existsSync(log)).to.equal(false);
    expect(readFileSync(`${log}.part`, "utf8").split("\n").sort()).to.deep.equal(["", "err", "out"]);
    const missing = await thrownBy(runBenchmark({ command: ["/nowhere/program"], log }));
    expect((missing as Error).message).to.contain("could not be started");
  });

  it("gives it no key and no RPC URL, and has it train in single precision", async () => {
    const log = path.join(temporaryFolder(), "env.log");
    const given = { TURINGFOG_PRIVATE_KEY: "0x12", TURINGFOG_PASSPHRASE: "secret", SEPOLIA_RPC_URL: "https://key@rpc" };
    Object.assign(process.env, given, { CUDA_VISIBLE_DEVICES: "3" });
    try {
      await runBenchmark({ command: ["/usr/bin/env"], env: { OWN: "1" }, log });
    } finally {
      for (const name of [...Object.keys(given), "CUDA_VISIBLE_DEVICES"]) delete process.env[name];
    }
    const lines = readFileSync(log, "utf8").split("\n");
    expect(lines).to.include.members(["OWN=1", "CUDA_VISIBLE_DEVICES=3", "NVIDIA_TF32_OVERRIDE=0"]);
    expect(lines.filter((line) => /TURINGFOG|RPC_URL/.test(line))).to.deep.equal([]);
  });

  it("ends all that it has started when it is told to", async () => {
    const log = path.join(temporaryFolder(), "a.log");
    const end = new AbortController();
    const onLine = () => end.abort();
    const running = runBenchmark({
      ...{ command: ["/bin/sh", "-c", "sleep 1000 & echo started; wait"], log, onLine, signal: end.signal },
    });
    expect(((await thrownBy(running)) as Error).message).to.contain("was ended by SIGTERM");
  });
});
