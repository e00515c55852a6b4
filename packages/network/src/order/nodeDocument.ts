import type { Provider, TypedDataDomain } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { answerOf, IERC1271__factory, readEvents, type SystemContracts, timelockWitness } from "@turingfog/sdk/ethers";
import { NODE_DOCUMENT, type NodeDocument, nodeDomain, type Signed } from "@turingfog/sdk/wire";
import { fetchStranger, type HttpClient } from "../http/index.js";
import { plainText, reasonOf } from "../runtime/index.js";

/** The most characters of a document's address that are shown. */
const MAX_ADDRESS = 80;

/** Thrown when a node has no document that holds. */
export class NoDocumentError extends TuringFogError {
  constructor(
    readonly nodeId: bigint,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`Node ${nodeId} ${reason}`, options);
  }
}

export interface NodeDocumentSource {
  contracts: SystemContracts;
  provider: Provider;
  chainId: bigint;
  /** Block of the deployment's first log. */
  since: number;
  client: HttpClient;
  /** Lets addresses through that are not public, for test networks. */
  allowPrivate: boolean;
  /** Unix seconds. */
  now: bigint;
}

/**
 * Reads a node's document from where its owner has said on the chain.
 * @throws NoDocumentError, IncompleteLogsError
 */
export async function readNodeDocument(nodeId: bigint, source: NodeDocumentSource): Promise<Signed<NodeDocument>> {
  const { contracts, provider, chainId, since, client, allowPrivate, now } = source;
  const { registry, timelock } = contracts;
  const [registered, set] = await readEvents(
    { provider, since },
    await timelockWitness(timelock),
    { contract: registry, event: registry.filters.NodeRegistered, args: [nodeId] },
    { contract: registry, event: registry.filters.MetadataURISet, args: [nodeId] },
  );
  const address = [...registered, ...set].at(-1)?.args.metadataURI;
  if (address === undefined) throw new NoDocumentError(nodeId, "is not registered");
  if (address === "")
    throw new NoDocumentError(nodeId, "has published no document: its owner has set no address of one");
  const text = await fetchStranger(address, { allowPrivate, client }).catch((cause: unknown) => {
    throw new NoDocumentError(nodeId, `has no document at ${plainText(address, MAX_ADDRESS)}: ${reasonOf(cause)}`, {
      cause,
    });
  });
  const document = NODE_DOCUMENT.decode(text);
  const { owner } = await registry.node(nodeId);
  const domain = nodeDomain(chainId, await registry.getAddress());
  if (document.nodeId !== nodeId) throw new NoDocumentError(nodeId, `names the document of node ${document.nodeId}`);
  if (document.expiresAt <= now) throw new NoDocumentError(nodeId, "has a document that has expired");
  if (!(await isSignedByOwner(document, owner, domain, provider))) {
    throw new NoDocumentError(nodeId, `has a document that its owner ${owner} has not signed`);
  }
  return document;
}

/**
 * Checks that a node's document is signed by its owner, a contract by its own word (ERC-1271).
 * @param domain see `nodeDomain`
 */
export async function isSignedByOwner(
  document: Signed<NodeDocument>,
  owner: string,
  domain: TypedDataDomain,
  provider: Provider,
): Promise<boolean> {
  if (NODE_DOCUMENT.signerOf(domain, document) === owner.toLowerCase()) return true;
  if ((await provider.getCode(owner)) === "0x") return false;
  const call = IERC1271__factory.connect(owner, provider).isValidSignature(
    NODE_DOCUMENT.digest(domain, document),
    document.signature,
  );
  return (await answerOf(call)) === "0x1626ba7e";
}
