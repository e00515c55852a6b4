import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { task, types } from "hardhat/config";
import { HardhatPluginError } from "hardhat/plugins";
import type { HardhatRuntimeEnvironment } from "hardhat/types";

import type { AddressBook } from "../src/deployment/addressBook";
import type { Signature, SignerSet } from "../src/oracle";
import type { Attestation } from "../src/tu";
import type { NodeRegistry } from "../typechain-types";

// What the actions need is imported when they run: Hardhat reads this file before it has made the bindings.

interface RateArguments {
  path: string;
  gpu?: string;
  precision: string;
  partial: boolean;
  json: boolean;
  chart?: string;
}

task("tu:rate", "Rates a GPU in TU per day by what it was measured at")
  .addPositionalParam(
    "path",
    "A folder of tf_cnn_benchmarks logs, one log, a table (.csv, .json) or a measurement file",
  )
  .addOptionalParam("gpu", "Only this one")
  .addOptionalParam("precision", "What the logs do not tell: what was trained in", "fp32")
  .addFlag("partial", "Rate fewer than seven networks too; such a rating cannot be attested")
  .addFlag("json", "Print JSON alone")
  .addOptionalParam("chart", "Write a bar chart to this SVG file")
  .setAction(told(rateAction));

async function rateAction({ path: source, gpu, precision, partial, json, chart }: RateArguments): Promise<void> {
  const { checkPrecision, formatReport, MissingNetworksError, rate, ratingChart, readMeasurements, reportToJson } =
    await import("../src/tu");
  checkPrecision(precision);
  const measured = await readMeasurements(source, gpu);
  try {
    const reports = measured.map((measurements) => rate(measurements, partial));
    if (chart !== undefined) await writeFile(chart, ratingChart(reports));
    console.log(json ? JSON.stringify(reports.map(reportToJson), null, 2) : reports.map(formatReport).join("\n\n"));
  } catch (error) {
    if (!(error instanceof MissingNetworksError)) throw error;
    throw new Error(`${error.message}; --partial rates it without`, { cause: error });
  }
}

interface AttestArguments {
  path: string;
  signatures?: string[];
  gpu?: string;
  precision: string;
  node?: bigint;
  validUntil?: string;
  addresses?: string;
  account?: string;
  signOnly: boolean;
  localSigners: boolean;
  out?: string;
}

task("tu:attest", "Has the oracle's quorum attest the rating of a model, or a node by its benchmark log")
  .addPositionalParam("path", "As for tu:rate; with --node, the node's one log")
  .addOptionalVariadicPositionalParam("signatures", "Signature files, made with --sign-only")
  .addOptionalParam("gpu", "The one to attest, when there are several")
  .addOptionalParam("precision", "What the logs do not tell: what was trained in", "fp32")
  .addOptionalParam("node", "Attest this node instead of a rating", undefined, types.bigint)
  .addOptionalParam("validUntil", "Until when the node is attested, in UTC, as 2027-01-01T00:00:00Z")
  .addOptionalParam("addresses", "The address book; deployments/<network>.json by default")
  .addOptionalParam("account", "Who signs or sends, of the network's accounts; the first by default")
  .addFlag("signOnly", "Sign, write a signature file and send nothing")
  .addFlag("localSigners", "Sign with every signer that is among the network's accounts")
  .addOptionalParam("out", "Where the files go; beside the measurements by default")
  .setAction(told(attestAction));

async function attestAction(args: AttestArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  const tu = await import("../src/tu");
  const { oracle, registry, account } = await connect(args, hre);
  const { readSignerSet } = await import("../src/oracle");
  const signerSet = await readSignerSet(oracle);

  const attestation = await attestationOf(args, registry, signerSet);
  const out = await outOf(args);
  const written = await save(out, attestation);
  console.log([describe(attestation), ...written.map((file) => `Wrote ${file}`)].join("\n"));

  if (args.signOnly) {
    if (!signerSet.signers.includes(account.address)) {
      throw new Error(`${account.address} is none of the oracle's signers: ${signerSet.signers.join(", ")}`);
    }
    const signature = await tu.signAttestation(account, signerSet, attestation);
    const file = path.join(out, `${stemOf(attestation)}.${account.address}.signature.json`);
    await writeFile(file, tu.encodeSignatureFile(signerSet, attestation, signature));
    return console.log(`Wrote ${file}`);
  }

  const signatures: Signature[] = [];
  for (const file of args.signatures ?? []) {
    signatures.push(await tu.readSignatureFile(file, signerSet, attestation));
  }
  if (args.localSigners) {
    const local = (await hre.ethers.getSigners()).filter(({ address }) => signerSet.signers.includes(address));
    for (const signer of local) signatures.push(await tu.signAttestation(signer, signerSet, attestation));
  }
  const { transaction, signers } = await tu.submitAttestation(registry, signerSet, attestation, signatures);
  console.log(`Attested by ${signers.join(", ")} in ${transaction}; the registry says the same`);
}

async function connect({ addresses, account }: AttestArguments, hre: HardhatRuntimeEnvironment) {
  const file = addresses ?? path.join(hre.config.paths.root, "deployments", `${hre.network.name}.json`);
  const book = JSON.parse(await readFile(file, "utf8")) as AddressBook;
  const { chainId } = await hre.ethers.provider.getNetwork();
  if (BigInt(book.chainId) !== chainId) {
    throw new Error(`${file} is of chain ${book.chainId}, ${hre.network.name} is chain ${chainId}`);
  }

  const { NodeRegistry__factory, TUReceiptOracle__factory } = await import("../typechain-types");
  const signer: HardhatEthersSigner =
    account === undefined ? (await hre.ethers.getSigners())[0] : await hre.ethers.getSigner(account);
  return {
    account: signer,
    oracle: TUReceiptOracle__factory.connect(book.addresses.oracle, signer),
    registry: NodeRegistry__factory.connect(book.addresses.registry, signer),
  };
}

async function attestationOf(
  { path: source, gpu, precision, node, validUntil }: AttestArguments,
  registry: NodeRegistry,
  signerSet: SignerSet,
): Promise<Attestation> {
  const { checkPrecision, nodeAttestation, ratingAttestation, readMeasurements } = await import("../src/tu");
  checkPrecision(precision);
  if (node === undefined) return ratingAttestation(registry, signerSet, await readMeasurements(source, gpu));

  const until = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(validUntil ?? "") ? Date.parse(validUntil ?? "") : NaN;
  if (Number.isNaN(until)) {
    throw new Error(`--valid-until is ${validUntil ?? "missing"}, must be a time in UTC, as 2027-01-01T00:00:00Z`);
  }
  return nodeAttestation(registry, signerSet, source, node, BigInt(until / 1_000));
}

/** Writes the measurement file and its hash; a node's evidence is its log, which is there. */
async function save(out: string, attestation: Attestation): Promise<string[]> {
  await mkdir(out, { recursive: true });
  if (attestation.type === "NodeAttestation") return [];

  const file = path.join(out, `${stemOf(attestation)}.measurements.json`);
  await writeFile(file, attestation.file);
  // as `sha256sum --check` reads it
  await writeFile(`${file}.sha256`, `${attestation.message.evidence.slice(2)}  ${path.basename(file)}\n`);
  return [file, `${file}.sha256`];
}

async function outOf({ out, path: source }: AttestArguments): Promise<string> {
  return out ?? ((await stat(source)).isDirectory() ? source : path.dirname(source));
}

function stemOf(attestation: Attestation): string {
  return attestation.type === "RatingAttestation"
    ? attestation.gpu.replace(/[^\w.-]+/g, "-")
    : `node-${attestation.message.nodeId}`;
}

function describe(attestation: Attestation): string {
  const { gpu, message } = attestation;
  const evidence = `evidence ${message.evidence}, signer set ${message.signerSetVersion}`;
  return attestation.type === "RatingAttestation"
    ? `Rating of ${gpu}: ${attestation.rating} base units of TU per day; ${evidence}`
    : `Node ${attestation.message.nodeId} with ${gpu} until ${attestation.message.validUntil}; ${evidence}`;
}

/** Has an action tell what is wrong in one line: Hardhat prints a plugin's error without its stack. */
function told<A>(action: (args: A, hre: HardhatRuntimeEnvironment) => Promise<void>): typeof action {
  return async (args, hre) => {
    try {
      await action(args, hre);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new HardhatPluginError("turingfog", error.message, error);
    }
  };
}
