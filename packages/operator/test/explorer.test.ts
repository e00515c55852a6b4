import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { type ExpectedContract, expectedContracts, explorerAt, systemOf, verifyOnExplorer } from "@turingfog/operator";
import { expect } from "chai";
import { artifacts } from "hardhat";
import { AbiCoder, id } from "ethers";
import type { CompilerInput, CompilerOutput } from "hardhat/types";
import solc from "solc";

import { projectBuild } from "../../../deploy/inProcess";
import { checkedDeployment } from "../../../test/helpers/checkedDeployment";
import { FakeClock, FakeExplorer, notOk, type Submission } from "../../../test/helpers/fakeExplorer";
import { deployProtocolFixture } from "../../../test/helpers/fixture";

/** solc's own types say nothing of it. */
const compiler = solc as { compile(input: string): string };

interface Metadata {
  sources: Record<string, { keccak256: string }>;
  settings: { viaIR: boolean; evmVersion: string; optimizer: { enabled: boolean; runs: number } };
}

async function deployed() {
  const protocol = await deployProtocolFixture();
  const checked = await checkedDeployment(protocol);
  return { ...protocol, checked, expected: expectedContracts(await projectBuild(), checked) };
}

/** Has a fake explorer verify contracts so many times. */
async function verifyAll(
  contracts: ExpectedContract[],
  { refuse, times = 1 }: { refuse?: string; times?: number } = {},
) {
  const fake = await FakeExplorer.start(refuse);
  try {
    const explorer = explorerAt(fake.url, "https://explorer.example", 31_337n, "key", new FakeClock());
    const runs = [];
    for (let i = 0; i < times; ++i) runs.push(await verifyOnExplorer(explorer, contracts));
    return { checks: runs.flat(), submissions: fake.submissions };
  } finally {
    await fake.stop();
  }
}

/** What the compiler hashed into the contract's metadata, whose hash is at the end of its code. */
async function metadataOf(contractName: string): Promise<Metadata> {
  const [source, name] = contractName.split(":");
  const info = await artifacts.getBuildInfo(contractName);
  const { metadata } = info?.output.contracts[source][name] as unknown as { metadata: string };
  return JSON.parse(metadata) as Metadata;
}

/** The creation code that the sources of a submission make. */
function compile({ source, contractName }: Submission): string {
  const [file, name] = contractName.split(":");
  const input = JSON.parse(source) as CompilerInput;
  input.settings.outputSelection = { [file]: { [name]: ["evm.bytecode.object"] } };
  const output = JSON.parse(compiler.compile(JSON.stringify(input))) as CompilerOutput;
  return `0x${output.contracts[file][name].evm.bytecode.object}`;
}

describe("explorerAt", () => {
  it("tells Etherscan's one API the chain, and no other", () => {
    const [one, other] = ["https://api.etherscan.io/v2/api", "https://base.blockscout.com/api"].map((api) =>
      explorerAt(api, "https://basescan.org", 8_453n, "key"),
    );
    expect(one).to.deep.include({ chainId: 8_453, apiUrl: "https://api.etherscan.io/v2/api", apiKey: "key" });
    expect(other).to.deep.include({ chainId: undefined, apiUrl: "https://base.blockscout.com/api" });
  });
});

describe("verifyOnExplorer", () => {
  it("has every contract verified, under its name and by the compiler that made it", async () => {
    const { expected } = await loadFixture(deployed);
    const { checks, submissions } = await verifyAll(expected);
    expect(checks.map(({ what, passed }) => [what, passed])).to.deep.equal(
      expected.map(({ address }) => [`https://explorer.example/address/${address}#code`, true]),
    );
    expect(submissions.map(({ address, contractName }) => [address, contractName])).to.deep.equal(
      expected.map(({ address, compiled }) => [address, compiled.fullyQualifiedName]),
    );
    expect(submissions.map(({ contractName }) => contractName)).to.include.members([
      "@openzeppelin/contracts/governance/TimelockController.sol:TimelockController",
      "contracts/periphery/OrderRenderer.sol:OrderRenderer",
      "contracts/periphery/VestedAllocation.sol:VestedAllocation",
      "contracts/Genesis.sol:Genesis",
      "contracts/ComputeEscrow.sol:ComputeEscrow",
    ]);
    for (const { compilerVersion } of submissions) expect(compilerVersion).to.match(/^v0\.8\.37\+commit\.[0-9a-f]{8}$/);
  });

  it("submits the very sources and settings that the metadata in the code commits to, and no others", async () => {
    const { expected } = await loadFixture(deployed);
    const { submissions } = await verifyAll(expected);
    for (const { source, contractName } of submissions) {
      const { sources, settings } = await metadataOf(contractName);
      const input = JSON.parse(source) as CompilerInput;
      const hashes = Object.entries(input.sources).map(([file, { content }]) => [file, id(content)]);
      expect(Object.fromEntries(hashes)).to.deep.equal(
        Object.fromEntries(Object.entries(sources).map(([file, { keccak256 }]) => [file, keccak256])),
      );
      const { viaIR, evmVersion, optimizer } = input.settings;
      expect({ viaIR, evmVersion, optimizer }).to.deep.equal({
        viaIR: settings.viaIR,
        evmVersion: settings.evmVersion,
        optimizer: settings.optimizer,
      });
    }
  });

  it("submits what compiles to the code that was deployed", async () => {
    const { expected } = await loadFixture(deployed);
    // the one that takes the compiler least; the metadata speaks for the others
    const contracts = expected.filter(({ name }) => name === "teamVesting");
    const { submissions } = await verifyAll(contracts);
    expect(submissions.map(compile)).to.deep.equal(contracts.map(({ compiled }) => compiled.creationCode));
  });

  it("submits the constructor's arguments, of what Genesis created too", async () => {
    const { checked, expected, params } = await loadFixture(deployed);
    const { submissions } = await verifyAll(expected);
    const argumentsOf = (name: string, types: string[]) => {
      const submission = submissions.find(({ contractName }) => contractName.endsWith(`:${name}`));
      return AbiCoder.defaultAbiCoder()
        .decode(types, `0x${submission?.constructorArguments}`)
        .toArray(true) as unknown[];
    };
    const { governor, tft, vault, oracle, registry, pool, controller, escrow } = systemOf(checked.addresses);
    const system = [governor, tft, vault, oracle, registry, pool, controller, escrow];
    const tuple = `tuple(${system.map(() => "address").join(",")})`;

    expect(argumentsOf("NodeRegistry", [tuple])).to.deep.equal([system]);
    expect(argumentsOf("RewardPool", [tuple, "uint40"])).to.deep.equal([system, params.epochLength]);
    expect(argumentsOf("ComputeEscrow", [tuple, "uint40", "address", "tuple(address,uint256)[]"])).to.deep.equal([
      system,
      params.grace,
      checked.addresses.renderer,
      params.assets.map(({ address, referencePrice }) => [address, referencePrice]),
    ]);
    expect(argumentsOf("EmissionVault", [tuple, "address", "uint16"])).to.deep.equal([
      system,
      params.operations.treasury,
      params.operations.share,
    ]);
    expect(argumentsOf("TUReceiptOracle", [tuple, "uint40", "address", "address[]", "uint256"])).to.deep.equal([
      system,
      params.vetoWindow,
      params.guardian,
      params.signers,
      params.quorum,
    ]);
  });

  it("submits nothing again that the explorer has", async () => {
    const { expected } = await loadFixture(deployed);
    const { checks, submissions } = await verifyAll(expected, { times: 2 });
    expect(submissions).to.have.length(expected.length);
    expect(checks.every(({ passed }) => passed)).to.equal(true);
    expect(checks).to.have.length(2 * expected.length);
  });

  it("says which contract an explorer refuses, and goes on with the others", async () => {
    const { expected } = await loadFixture(deployed);
    const { checks, submissions } = await verifyAll(expected, { refuse: "contracts/TFT.sol:TFT" });
    expect(submissions).to.have.length(expected.length);
    const failed = checks.filter(({ passed }) => !passed);
    expect(failed.map(({ actual, expected: must }) => [actual, must])).to.deep.equal([
      ["tft: Fail - Unable to verify", "tft: verified"],
    ]);
  });

  it("goes on with the next contract where an explorer never has an answer on one", async () => {
    const { expected } = await loadFixture(deployed);
    const [first, second] = expected;
    const fake = await FakeExplorer.start();
    fake.interrupt = ({ query }) => (query.get("guid") === "0" ? { body: notOk("Pending in queue") } : undefined);
    const lines: string[] = [];
    const explorer = explorerAt(fake.url, fake.url, 31_337n, "", new FakeClock());
    const checks = await verifyOnExplorer(explorer, [first, second], (line) => lines.push(line));
    await fake.stop();
    expect(checks.map(({ passed }) => passed)).to.deep.equal([false, true]);
    expect(checks[0].actual).to.match(
      /^timelock: the explorer has no answer after 5 minutes, and says "Pending in queue"/,
    );
    expect(lines).to.deep.equal([
      "Asking the explorer about timelock, 1 of 2",
      `Asking the explorer about ${second.name}, 2 of 2`,
    ]);
  });

  it("says so where no explorer answers", async () => {
    const { expected } = await loadFixture(deployed);
    const fake = await FakeExplorer.start();
    await fake.stop();
    const [check] = await verifyOnExplorer(
      explorerAt(fake.url, fake.url, 31_337n, "", new FakeClock()),
      expected.slice(0, 1),
    );
    expect(check.passed).to.equal(false);
    expect(check.actual).to.match(/^timelock: .*ECONNREFUSED/);
  });
});
