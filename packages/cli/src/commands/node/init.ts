import path from "node:path";

import { initNodeFolder, nextDocument, NODE_CONFIG, readNodeConfig, saveDocument } from "@turingfog/network";
import { latestBlock, loadWallet } from "@turingfog/operator";
import { DAY, TuringFogError } from "@turingfog/sdk";
import { connectContracts } from "@turingfog/sdk/ethers";
import { NODE_DOCUMENT, nodeDomain, type Signed, type NodeDocument } from "@turingfog/sdk/wire";

import { defineCommand, UsageError, wholeNumber } from "../../lib/command.js";
import { DEPLOYED_OPTIONS, DEPLOYED_USAGE, DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { keySource, openSender, SENDER_OPTIONS, SENDER_USAGE } from "../../lib/sender.js";
import { outcomeLine, submitCall } from "../../lib/steps.js";

const USAGE = `Makes a node's folder (configuration, meter key, age identity), and signs the node's document with its owner's key.

  turingfog node init --folder DIR --network NAME --node ID --endpoint URL --signer URL [...]

  --folder DIR       folder of the node; what is there stays. Run it again after a change of the runners
${DEPLOYED_USAGE}
  --node ID          the node, as it was registered
  --endpoint URL     address at which renters and signers reach the node
  --signer URL       address of a signer to begin with; may be given several times
  --days NUMBER      days for which the document is in force (default 90)
  --unsigned         sign nothing: print the typed data, for an owner whose key is elsewhere
  --signature HEX    the owner's signature of the typed data that --unsigned has printed
  --publish HOW      also set where the document is found: data (on the chain) or served (by the node, at its endpoint)
${SENDER_USAGE}
  --json             print JSON alone
  --help             print this

A process runner keeps a run within its limits. It is no sandbox: a run reads what its account reads. Give runs an account
of their own (user), or bubblewrap as their command; see docs/operators/node.md.`;

/** Thrown when a document is signed by somebody else than the node's owner. */
class NotOwnerError extends TuringFogError {
  constructor(nodeId: bigint, owner: string) {
    super(`Node ${nodeId} belongs to ${owner}, whose signature the document needs`);
  }
}

export const command = defineCommand({
  usage: USAGE,
  options: {
    ...DEPLOYED_OPTIONS,
    ...SENDER_OPTIONS,
    folder: { type: "string" },
    node: { type: "string" },
    endpoint: { type: "string" },
    signer: { type: "string", multiple: true, default: [] as string[] },
    days: { type: "string", default: "90" },
    unsigned: { type: "boolean", default: false },
    signature: { type: "string" },
    publish: { type: "string" },
  },
  required: ["folder", "network", "node", "endpoint"],
  async run(values, output) {
    const { folder } = values;
    if (!/^[1-9]\d{0,77}$/.test(values.node)) throw new UsageError(`--node is ${values.node}, must be a node's id`);
    if (values.publish !== undefined && !["data", "served"].includes(values.publish)) {
      throw new UsageError(`--publish is ${values.publish}, must be data or served`);
    }
    const deployment = await openDeployment(values);
    const { connection, book } = deployment;
    const template = {
      network: values.network,
      deployments: values.deployments ?? DEPLOYMENTS,
      nodeId: BigInt(values.node),
    };
    const written = await initNodeFolder(folder, { ...template, signers: values.signer });
    if (written.length > 0) output.say(`Wrote ${written.map((name) => path.join(folder, name)).join(", ")}`);
    const config = await readNodeConfig(path.join(folder, NODE_CONFIG));

    const now = BigInt((await latestBlock(connection.provider)).timestamp);
    const expiresAt = now + BigInt(wholeNumber("days", values.days, 1)) * DAY;
    const document = await nextDocument(config, values.endpoint.replace(/\/$/, ""), expiresAt, now);
    const { registry } = connectContracts(book.addresses, connection.provider);
    const domain = nodeDomain(connection.chainId, book.addresses.registry);
    if (values.unsigned) {
      const typedData = { domain, types: NODE_DOCUMENT.types, message: NODE_DOCUMENT.typedData(document) };
      return output.result(
        { document, typedData },
        `Sign this as ${(await registry.node(document.nodeId)).owner}; see --json`,
      );
    }
    const sign = async (): Promise<Signed<NodeDocument>> => {
      const wallet = await loadWallet(keySource(connection.name, values.keystore), connection.provider);
      return NODE_DOCUMENT.sign(wallet, domain, document);
    };
    const signed = values.signature === undefined ? await sign() : { ...document, signature: values.signature };
    const { owner } = await registry.node(document.nodeId);
    const isContract = (await connection.provider.getCode(owner)) !== "0x";
    if (!isContract && NODE_DOCUMENT.signerOf(domain, signed) !== owner.toLowerCase()) {
      throw new NotOwnerError(document.nodeId, owner);
    }
    const data = await saveDocument(config, signed);
    for (const { kind, name, user } of config.runners) {
      if (kind === "process" && user === undefined) {
        output.note(`Runner ${name} is no sandbox: its runs read what this account reads; see docs/operators/node.md`);
      }
    }
    const uri = values.publish === "served" ? `${document.endpoint}/v1/document` : data;
    if (values.publish === undefined) {
      return output.result(
        { document: signed, uri },
        `Signed ${config.document}. Set it with --publish data or served`,
      );
    }
    const call = await registry.setMetadataURI.populateTransaction(document.nodeId, uri);
    const sender = await openSender(connection, values, output, `TuringFog: document of node ${document.nodeId}`);
    const outcome = await submitCall(connection, sender, {
      description: "set metadata URI",
      to: call.to,
      data: call.data,
    });
    output.result({ document: signed, uri, outcome }, `Signed ${config.document}. ${outcomeLine(outcome)}`);
  },
});
