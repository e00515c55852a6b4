import { mkdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { Option } from "@commander-js/extra-typings";
import { checkPrecision, PRECISION } from "@turingfog/sdk";
import {
  type Attestation,
  checkSigner,
  connectContracts,
  encodeSignatureFile,
  ratingAttestation,
  readSignerSet,
  signAttestation,
  type NodeRegistry,
  type SignerSet,
} from "@turingfog/sdk/ethers";
import { attestationOfLog, readMeasurements, readSignatureFile } from "@turingfog/sdk/node";

import { describeAttestation, readValidUntil, submitAttestation } from "../../lib/attesting.js";
import { UsageError } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { openDeployment, type OpenDeployment } from "../../lib/deployed.js";
import { readNodeId } from "../../lib/nodeId.js";
import { openSender, openWallet, sendingCommand, type SenderValues } from "../../lib/sender.js";

export const command = sendingCommand({
  description: `Signs or submits an attestation: of a GPU model's rating, or of a node by its benchmark log.

With --sign-only, for each signer: writes a signature file. Otherwise, for anyone: submits a quorum's signatures.

Prints from when the attestation counts: at once when it renews one in force, otherwise one veto window later. Until then
the guardian, a freeze or a rotation of the signers undoes it.`,
  examples: [
    "turingfog tu attest LOGS --sign-only --out SIGNATURES --network sepolia --keystore signer.json",
    "turingfog tu attest LOGS SIGNATURES/*.signature.json --network sepolia --keystore anyone.json",
    "turingfog tu attest LOG --node 7 --valid-until 2027-01-01T00:00:00Z --sign-only --network sepolia",
  ],
})
  .argument("<PATH>", "as for turingfog tu rate; with --node, the node's one log")
  .argument("[SIGNATURES...]", "a quorum's signature files, written by --sign-only")
  .option("--gpu <NAME>", "GPU to attest, if there are several")
  .option("--precision <NAME>", "precision of the training, which logs do not state; the only one attested", PRECISION)
  .addOption(new Option("--node <ID>", "attest this node instead of a rating").argParser(readNodeId))
  .option("--valid-until <TIME>", "end of the node's attestation, in UTC, as 2027-01-01T00:00:00Z")
  .addOption(
    new Option("--sign-only", "sign, write a signature file and send nothing").conflicts(["safe", "dryRun", "maxFee"]),
  )
  .option("--out <DIR>", "folder for the files; default: beside the measurements")
  .action((source, signatures, values) => attest(source, signatures, values, outputOf(values)));

interface Values extends SenderValues {
  network: string;
  deployments: string;
  gpu?: string;
  precision: string;
  node?: bigint;
  validUntil?: string;
  signOnly?: true;
  out?: string;
}

async function attest(source: string, signatureFiles: string[], values: Values, output: Output): Promise<void> {
  checkPrecision(values.precision);
  if (values.signOnly && signatureFiles.length !== 0) {
    throw new UsageError("--sign-only takes no signature files: it writes one; see --help");
  }
  if (values.node === undefined && values.validUntil !== undefined) {
    throw new UsageError("--valid-until is for a node: give --node too; see --help");
  }
  const deployment = await openDeployment(values);
  const { oracle, registry } = connectContracts(deployment.book.addresses, deployment.connection.provider);
  const signerSet = await readSignerSet(oracle);

  const attestation = await attestationOf(source, values, registry, signerSet);
  const out = values.out ?? ((await stat(source)).isDirectory() ? source : path.dirname(source));
  const written = await save(out, attestation);
  for (const file of written) output.say(`Wrote ${file}`);

  if (values.signOnly) {
    output.say(describeAttestation(attestation));
    const file = await sign(deployment, values.keystore, out, signerSet, attestation, output);
    return output.result({ attestation, files: [...written, file] }, `Wrote ${file}`);
  }

  const signatures = await Promise.all(signatureFiles.map((file) => readSignatureFile(file, signerSet, attestation)));
  const title = `TuringFog: ${describeAttestation(attestation)}`;
  const sender = await openSender(deployment.connection, values, output, title);
  const step = { connection: deployment.connection, sender, values, output };
  const { result, line } = await submitAttestation(step, registry, signerSet, attestation, signatures);
  output.result(result, line);
}

async function attestationOf(
  source: string,
  { gpu, node, validUntil }: Values,
  registry: NodeRegistry,
  signerSet: SignerSet,
): Promise<Attestation> {
  if (node === undefined) return ratingAttestation(registry, signerSet, await readMeasurements(source, gpu));

  return attestationOfLog(registry, signerSet, source, node, readValidUntil(validUntil), gpu);
}

/**
 * Writes the measurement file of a rating, and its hash. Writes nothing for a node, whose evidence is its existing log.
 */
async function save(out: string, attestation: Attestation): Promise<string[]> {
  await mkdir(out, { recursive: true });
  if (attestation.type === "NodeAttestation") return [];

  const file = path.join(out, `${stemOf(attestation)}.measurements.json`);
  await writeFile(file, attestation.file);
  // the format of `sha256sum --check`
  await writeFile(`${file}.sha256`, `${attestation.message.evidence.slice(2)}  ${path.basename(file)}\n`);
  return [file, `${file}.sha256`];
}

async function sign(
  { connection }: OpenDeployment,
  keystore: string | undefined,
  out: string,
  signerSet: SignerSet,
  attestation: Attestation,
  output: Output,
): Promise<string> {
  const wallet = await openWallet(connection, keystore, output);
  checkSigner(signerSet, wallet.address);
  const signature = await signAttestation(wallet, signerSet, attestation);
  const file = path.join(out, `${stemOf(attestation)}.${wallet.address}.signature.json`);
  await writeFile(file, encodeSignatureFile(signerSet, attestation, signature));
  return file;
}

function stemOf(attestation: Attestation): string {
  return attestation.type === "RatingAttestation"
    ? attestation.gpu.replace(/[^\w.-]+/g, "-")
    : `node-${attestation.message.nodeId}`;
}
