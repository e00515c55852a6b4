import {
  accountSignature,
  address,
  ageRecipient,
  bytes32,
  type Codec,
  dictionary,
  endpoint,
  InvalidValueError,
  list,
  oneOf,
  record,
  text,
  uint,
} from "./codecs.js";
import { type Signed, SignedFormat } from "./format.js";

/** The longest document, as it is fetched. */
const MAX_DOCUMENT = 65_536;

const MAX_RUNNERS = 16;
export const MAX_SLOTS = 16;

/** A kind of work that a node takes. */
export interface Runner {
  kind: "training" | "benchmark" | "container" | "process";
  /** The owner's name for it, by which a job asks for it. */
  name: string;
  /** The slots that a job fills in: the pattern that the whole value must match, by the slot's name. */
  slots: Record<string, string>;
}

/** Address, keys and offer of a node, by its owner. */
export interface NodeDocument {
  nodeId: bigint;
  /** The highest wins. */
  sequence: bigint;
  /** Unix seconds: the end of its force. */
  expiresAt: bigint;
  endpoint: string;
  /** Signs the node's readings and claims. */
  meterKey: string;
  /** The age recipient that jobs are encrypted to. */
  encryptionKey: string;
  runners: Runner[];
}

/** Address and keys of a signer of the oracle, by the signer. */
export interface SignerDocument {
  signer: string;
  /** The highest wins. */
  sequence: bigint;
  /** Unix seconds: the end of its force. */
  expiresAt: bigint;
  endpoint: string;
  /** Signs the signer's envelopes. */
  linkKey: string;
  /** The age recipient that what only signers may read is encrypted to. */
  encryptionKey: string;
  /** The SHA-256 of the 32 bytes of the secret that the signer draws samples by in the next interval. */
  drawCommitment: string;
}

export const runnerName = text(/^[a-z0-9][a-z0-9-]{0,31}$/, "1 to 32 of a-z, 0-9 and -, and no - first");
export const SLOT_NAME = /^[A-Z][A-Z0-9_]{0,31}$/;

const PATTERN = /^\[[A-Za-z0-9 ._:=,+@/-]{1,64}\]\{(0|[1-9][0-9]{0,3}),[1-9][0-9]{0,3}\}$/;

/** A set of characters and how many of them, which every dialect of regular expressions reads alike, in linear time. */
function isPattern(value: string): boolean {
  if (!PATTERN.test(value)) return false;
  try {
    return new RegExp(value, "u").source === value;
  } catch {
    return false; // a range or counts that descend
  }
}

const runner = record<Runner>({
  kind: oneOf("training", "benchmark", "container", "process"),
  name: runnerName,
  slots: dictionary(
    SLOT_NAME,
    isPattern,
    MAX_SLOTS,
    `at most ${MAX_SLOTS} slots: a name of A-Z, 0-9 and _, and a pattern such as [a-z0-9.]{1,64}`,
  ),
});

const anyRunners = list(runner, 1, MAX_RUNNERS);
const runners: Codec<Runner[]> = {
  ...anyRunners,
  parse(value) {
    const parsed = anyRunners.parse(value);
    const names = parsed.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new InvalidValueError(`names ${twice} twice`);
    return parsed;
  },
};

export const NODE_DOCUMENT = new SignedFormat<NodeDocument>(
  "turingfog-node-document-v1",
  "NodeDocument",
  MAX_DOCUMENT,
  {
    nodeId: uint(256),
    sequence: uint(64),
    expiresAt: uint(40),
    endpoint,
    meterKey: address,
    encryptionKey: ageRecipient,
    runners,
  },
  accountSignature,
);

export const SIGNER_DOCUMENT = new SignedFormat<SignerDocument>(
  "turingfog-signer-document-v1",
  "SignerDocument",
  MAX_DOCUMENT,
  {
    signer: address,
    sequence: uint(64),
    expiresAt: uint(40),
    endpoint,
    linkKey: address,
    encryptionKey: ageRecipient,
    drawCommitment: bytes32,
  },
  accountSignature,
);

/**
 * Returns the document of one author that is in force: the one with the highest sequence, until it expires. Then there is
 * none, though an older one may last longer, because its author has replaced it. Two of one sequence that say different
 * things are none either: whichever came first must not decide.
 * @param now unix seconds
 */
export function documentInForce<T extends { sequence: bigint; expiresAt: bigint }>(
  format: SignedFormat<T>,
  documents: readonly Signed<T>[],
  now: bigint,
): Signed<T> | undefined {
  const highest = documents.reduce((sequence, each) => (each.sequence > sequence ? each.sequence : sequence), 0n);
  const latest = documents.filter(({ sequence }) => sequence === highest);
  const contents = new Set(latest.map((each) => Object.values(format.typedData(each)).join("\n")));
  return contents.size === 1 && now < latest[0].expiresAt ? latest[0] : undefined;
}
