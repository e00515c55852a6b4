import path from "node:path";

import { Option } from "@commander-js/extra-typings";
import {
  initNodeFolder,
  isSignedByOwner,
  keepUnsigned,
  nextDocument,
  NODE_CONFIG,
  readNodeConfig,
  readSigned,
  saveDocument,
} from "@turingfog/network";
import { latestBlock } from "@turingfog/operator";
import { DAY, TuringFogError } from "@turingfog/sdk";
import { connectContracts } from "@turingfog/sdk/ethers";
import { NODE_DOCUMENT, nodeDomain } from "@turingfog/sdk/wire";
import { ZeroAddress } from "ethers";

import { wholeNumber } from "../../lib/command.js";
import { openDeployment } from "../../lib/deployed.js";
import { readNodeId } from "../../lib/nodeId.js";
import { type Output, outputOf } from "../../lib/output.js";
import { openSender, openWallet, sendingCommand, type SenderValues } from "../../lib/sender.js";
import { outcomeLine, outcomeOf, submitShown } from "../../lib/steps.js";

export const command = sendingCommand({
  description: `Makes a node's folder (configuration, meter key, age identity), and signs the node's document with its owner's key.

A process runner keeps a run within its limits. It is no sandbox: a run reads what its account reads. Give runs an account
of their own (user), or bubblewrap as their command; see docs/operators/node.md.`,
  examples: [
    "turingfog node init --folder node --network sepolia --node 7 --endpoint https://node.example --signer https://signer.example --publish served",
  ],
})
  .requiredOption(
    "--folder <DIR>",
    "folder of the node; what is there stays. Run it again after a change of the runners",
  )
  .requiredOption("--node <ID>", "the node, as it was registered")
  .requiredOption("--endpoint <URL>", "address at which renters and signers reach the node")
  .requiredOption(
    "--signer <URL...>",
    "addresses of signers to begin with; those of a configuration that is there stay",
  )
  .option("--days <N>", "days for which the document is in force", "90")
  .option("--unsigned", "sign nothing: print the typed data, for an owner whose key is elsewhere", false)
  .option("--signature <HEX>", "the owner's signature of the typed data that --unsigned has printed last")
  .addOption(
    new Option(
      "--publish <HOW>",
      "also set where the document is found: data (on the chain) or served (by the node, at its endpoint)",
    ).choices(["data", "served"] as const),
  )
  .action((values) => init(values, outputOf(values)));

/** Thrown when a document is to be made for a node that there is not. */
class NotRegisteredError extends TuringFogError {
  constructor(nodeId: bigint) {
    super(`Node ${nodeId} is not registered: see turingfog node register`);
  }
}

/** Thrown when a document is signed by somebody else than the node's owner. */
class NotOwnerError extends TuringFogError {
  constructor(nodeId: bigint, owner: string) {
    super(`Node ${nodeId} belongs to ${owner}, whose signature the document needs`);
  }
}

interface Values extends SenderValues {
  folder: string;
  network: string;
  deployments: string;
  node: string;
  endpoint: string;
  signer: string[];
  days: string;
  unsigned: boolean;
  signature?: string;
  publish?: "data" | "served";
}

async function init(values: Values, output: Output): Promise<void> {
  const { folder } = values;
  const deployment = await openDeployment(values);
  const { connection, book } = deployment;
  const { provider } = connection;
  const nodeId = readNodeId(values.node);
  const days = BigInt(wholeNumber("days", values.days, 1));
  const { registry } = connectContracts(book.addresses, provider);
  const { owner } = await registry.node(nodeId);
  if (owner === ZeroAddress) throw new NotRegisteredError(nodeId);
  const isSignedHere = !values.unsigned && values.signature === undefined;
  const wallet = isSignedHere ? await openWallet(connection, values.keystore, output) : undefined;
  // a contract says itself whose signature is its own
  if (wallet !== undefined && wallet.address !== owner && (await provider.getCode(owner)) === "0x") {
    throw new NotOwnerError(nodeId, owner);
  }
  const { network, deployments, signer: signers } = values;
  const written = await initNodeFolder(folder, { network, deployments, nodeId, signers });
  if (written.length > 0) output.say(`Wrote ${written.map((name) => path.join(folder, name)).join(", ")}`);
  const config = await readNodeConfig(path.join(folder, NODE_CONFIG));

  const now = BigInt((await latestBlock(provider)).timestamp);
  const next = () => nextDocument(config, values.endpoint.replace(/\/$/, ""), now + days * DAY, now);
  const domain = nodeDomain(connection.chainId, book.addresses.registry);
  if (values.unsigned) {
    const document = await next();
    await keepUnsigned(config, document);
    const typedData = { domain, types: NODE_DOCUMENT.types, message: NODE_DOCUMENT.typedData(document) };
    return output.result({ document, typedData }, `Sign this as ${owner}; see --json`);
  }
  const document =
    wallet === undefined
      ? await readSigned(config, values.signature ?? "")
      : await NODE_DOCUMENT.sign(wallet, domain, await next());
  if (!(await isSignedByOwner(document, owner, domain, provider))) {
    throw new NotOwnerError(document.nodeId, owner);
  }
  const data = await saveDocument(config, document);
  for (const runner of config.runners) {
    if (runner.kind === "process" && runner.user === undefined) {
      output.note(
        `Runner ${runner.name} is no sandbox: its runs read what this account reads; see docs/operators/node.md`,
      );
    }
  }
  const uri = values.publish === "served" ? `${document.endpoint}/v1/document` : data;
  if (values.publish === undefined) {
    return output.result({ document, uri }, `Signed ${config.document}. Set it with --publish data or served`);
  }
  const { to, data: encoded } = await registry.setMetadataURI.populateTransaction(document.nodeId, uri);
  const sender = await openSender(connection, values, output, `TuringFog: document of node ${document.nodeId}`);
  const call = { description: "set metadata URI", to, data: encoded };
  const change = { what: "metadata URI", from: "the one before", to: uri };
  const step = { connection, sender, values, output };
  const outcome = outcomeOf(connection, await submitShown(step, `Document of node ${document.nodeId}`, [change], call));
  const [file, { publish }] = [path.join(folder, NODE_CONFIG), values];
  const attest = `turingfog node attest LOG --config ${file} --valid-until TIME --network ${network}`;
  const after = publish === "served" ? `turingfog node run --config ${file}, which serves it, then ${attest}` : attest;
  output.result({ document, uri, outcome }, `Signed ${config.document}. ${outcomeLine(outcome)}\nNext: ${after}`);
}
