import { mkdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { addressOf, loadWallet } from "@turingfog/operator";
import { checkPrecision, formatInstant, PRECISION } from "@turingfog/sdk";
import {
  attestationCall,
  checkAttested,
  checkSigner,
  connectContracts,
  encodeSignatureFile,
  ratingAttestation,
  readSignerSet,
  signAttestation,
  type Attestation,
  type NodeRegistry,
  type SignerSet,
} from "@turingfog/sdk/ethers";
import { attestationOfLog, readMeasurements, readSignatureFile } from "@turingfog/sdk/node";

import { defineCommand, UsageError } from "../../lib/command.js";
import { DEPLOYED_OPTIONS, DEPLOYED_USAGE, openDeployment, type OpenDeployment } from "../../lib/deployed.js";
import { keySource, openSender, SENDER_OPTIONS, SENDER_USAGE } from "../../lib/sender.js";
import { outcomeLine, outcomeOf, submitTried } from "../../lib/steps.js";

const USAGE = `Signs or submits an attestation: of a GPU model's rating, or of a node by its benchmark log.

  turingfog tu attest PATH --sign-only --network NAME [...]     for each signer: writes a signature file
  turingfog tu attest PATH SIGNATURES... --network NAME [...]   for anyone: submits a quorum's signatures

  PATH               as for turingfog tu rate; with --node, the node's one log
  SIGNATURES         a quorum's signature files, written by --sign-only

${DEPLOYED_USAGE}
  --gpu NAME         GPU to attest, if there are several
  --precision NAME   precision of the training, which logs do not state (default ${PRECISION}, the only one attested)
  --node ID          attest this node instead of a rating
  --valid-until TIME end of the node's attestation, in UTC, as 2027-01-01T00:00:00Z
  --sign-only        sign, write a signature file and send nothing
  --out DIR          folder for the files (default: beside the measurements)
${SENDER_USAGE}
  --json             print JSON alone
  --help             print this

Prints from when the attestation counts: at once when it renews one in force, otherwise one veto window later.
Until then the guardian, a freeze or a rotation of the signers undoes it.`;

interface Values {
  gpu?: string;
  node?: string;
  "valid-until"?: string;
}

export const command = defineCommand({
  usage: USAGE,
  options: {
    ...DEPLOYED_OPTIONS,
    ...SENDER_OPTIONS,
    gpu: { type: "string" },
    precision: { type: "string", default: PRECISION },
    node: { type: "string" },
    "valid-until": { type: "string" },
    "sign-only": { type: "boolean", default: false },
    out: { type: "string" },
  },
  required: ["network"],
  words: Infinity,
  async run(values, output, [source, ...signatureFiles]) {
    if (source === undefined) throw new UsageError("PATH is missing; see --help");
    checkPrecision(values.precision);
    if (values["sign-only"] && signatureFiles.length !== 0) {
      throw new UsageError("--sign-only takes no signature files: it writes one; see --help");
    }
    if (values.node === undefined && values["valid-until"] !== undefined) {
      throw new UsageError("--valid-until is for a node: give --node too; see --help");
    }
    const deployment = await openDeployment(values);
    const { oracle, registry } = connectContracts(deployment.book.addresses, deployment.connection.provider);
    const signerSet = await readSignerSet(oracle);

    const attestation = await attestationOf(source, values, registry, signerSet);
    const out = values.out ?? ((await stat(source)).isDirectory() ? source : path.dirname(source));
    const written = await save(out, attestation);
    output.say([describe(attestation), ...written.map((file) => `Wrote ${file}`)].join("\n"));

    if (values["sign-only"]) {
      const file = await sign(deployment, values.keystore, out, signerSet, attestation);
      return output.result({ attestation, files: [...written, file] }, `Wrote ${file}`);
    }

    const signatures = await Promise.all(signatureFiles.map((file) => readSignatureFile(file, signerSet, attestation)));
    const { connection } = deployment;
    const from = values.safe === undefined ? await addressOf(keySource(connection.name, values.keystore)) : undefined;
    const { to, data, signers } = await attestationCall(registry, signerSet, attestation, signatures, from);
    const title = `TuringFog: ${describe(attestation)}`;
    const sender = await openSender(connection, values, output, title);
    const submitted = await submitTried(connection, sender, { description: "attest", to, data });
    const outcome = outcomeOf(submitted);
    const receipt = submitted.kind === "sent" ? submitted.receipts[0] : undefined;
    if (receipt === undefined) return output.result({ attestation, outcome }, outcomeLine(outcome));

    const countsFrom = await checkAttested(registry, attestation, receipt);
    const result = `Attested by ${signers.join(", ")} in ${outcome.transaction}; counts from ${formatInstant(countsFrom)}`;
    output.result({ attestation, signers, outcome, countsFrom }, result);
  },
});

async function attestationOf(
  source: string,
  { gpu, node, "valid-until": validUntil }: Values,
  registry: NodeRegistry,
  signerSet: SignerSet,
): Promise<Attestation> {
  if (node === undefined) return ratingAttestation(registry, signerSet, await readMeasurements(source, gpu));

  if (!/^\d{1,78}$/.test(node)) throw new UsageError(`--node is ${node}, must be a node's id, a whole number`);
  const until = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(validUntil ?? "") ? Date.parse(validUntil ?? "") : NaN;
  if (Number.isNaN(until)) {
    throw new UsageError(`--valid-until is ${validUntil ?? "missing"}, must be a time in UTC, as 2027-01-01T00:00:00Z`);
  }
  return attestationOfLog(registry, signerSet, source, BigInt(node), BigInt(until / 1_000), gpu);
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
): Promise<string> {
  const wallet = await loadWallet(keySource(connection.name, keystore), connection.provider);
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

function describe(attestation: Attestation): string {
  const { gpu, message } = attestation;
  const evidence = `evidence ${message.evidence}, signer set ${message.signerSetVersion}`;
  return attestation.type === "RatingAttestation"
    ? `Rating of ${gpu}: ${attestation.rating} base units of TU per day; ${evidence}`
    : `Node ${attestation.message.nodeId} with ${gpu} until ${attestation.message.validUntil}; ${evidence}`;
}
