import { readFile } from "node:fs/promises";

import { askForAttestation, type AttestationAnswer, HttpClient, readKey, readNodeConfig } from "@turingfog/network";
import { connectContracts, readSignerSet } from "@turingfog/sdk/ethers";
import { attestationOfLog } from "@turingfog/sdk/node";
import { ATTESTATION_REQUEST, meterDomain } from "@turingfog/sdk/wire";

import { describeAttestation, readValidUntil, submitAttestation } from "../../lib/attesting.js";
import { openDeployment } from "../../lib/deployed.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { openSender, sendingCommand, type SenderValues } from "../../lib/sender.js";

export const command = sendingCommand({
  description: `Asks the signers to attest a node by its benchmark log, and submits a quorum's signatures.

The node's meter key signs the request, so signers must know the node's document. A signer takes each log for one node and one
--valid-until. If too few have signed, run the same command again: who has signed gives the same signature.

Anyone may pay for the transaction. --json prints {answers, attestation, signers, outcome, countsFrom}.`,
  examples: [
    "turingfog node attest LOG --config node/node.json5 --valid-until 2027-01-01T00:00:00Z --network sepolia",
    "turingfog node attest LOG --config node/node.json5 --valid-until 2027-01-01T00:00:00Z --network sepolia --dry-run",
  ],
})
  .argument("<LOG>", "the node's benchmark log")
  .requiredOption("--config <FILE>", "the node's configuration, which names its meter key and signers")
  .requiredOption("--valid-until <TIME>", "end of the attestation, in UTC, as 2027-01-01T00:00:00Z; 90 days at most")
  .option("--signer <URL...>", "addresses of signers to begin with; default: those of the configuration")
  .option("--gpu <NAME>", "the card, if its driver tells only the chip")
  .action((log, values) => attest(log, values, outputOf(values)));

interface Values extends SenderValues {
  network: string;
  deployments: string;
  config: string;
  validUntil: string;
  signer?: string[];
  gpu?: string;
}

async function attest(log: string, values: Values, output: Output): Promise<void> {
  const validUntil = readValidUntil(values.validUntil);
  const config = await readNodeConfig(values.config);
  const { nodeId } = config;
  const meter = await readKey(config.meter.key);
  const { connection, book } = await openDeployment(values);
  const { oracle, registry } = connectContracts(book.addresses, connection.provider);
  const signerSet = await readSignerSet(oracle);
  const attestation = await attestationOfLog(registry, signerSet, log, nodeId, validUntil, values.gpu);
  const sender = await openSender(connection, values, output, `TuringFog: ${describeAttestation(attestation)}`);

  const { evidence } = attestation.message;
  const asked = { nodeId, validUntil, evidence, card: values.gpu ?? "" };
  const domain = meterDomain(connection.chainId, book.addresses.escrow);
  output.doing("Asking the signers");
  const client = new HttpClient();
  const answers = await askForAttestation({
    client,
    seeds: values.signer ?? config.signers,
    signerSet,
    request: await ATTESTATION_REQUEST.sign(meter, domain, asked),
    log: await readFile(log),
  }).finally(() => client.close());
  output.say(answerTable(answers));

  const signatures = answers.flatMap(({ given }) => given ?? []);
  if (new Set(signatures.map(({ signer }) => signer)).size < signerSet.quorum) {
    output.note("Too few have signed: see to what they say, then run the same command again");
  }
  const step = { connection, sender, values, output };
  const { result, line } = await submitAttestation(step, registry, signerSet, attestation, signatures);
  const list = `turingfog node list --network ${values.network} --node ${nodeId} --asset TOKEN --price P --capacity TU`;
  const next = `Next, for a new node: ${list}, and turingfog node run --config ${values.config}`;
  output.result({ answers, ...result }, `${line}\n${next}`);
}

function answerTable(answers: readonly AttestationAnswer[]): string {
  const rows = answers.map(({ endpoint, given, reason }) => [endpoint, given?.signer ?? "none", reason ?? "signed"]);
  return table([["asked at", "signature of", "answer"], ...rows]);
}
