import { TypedDataEncoder, type TypedDataField } from "ethers";

/** The EIP-712 types that the oracle's signers sign, under the domain of the TUReceiptOracle. */
export const ORACLE_TYPES = {
  ReceiptBatch: [
    { name: "receiptsRoot", type: "bytes32" },
    { name: "dataHash", type: "bytes32" },
    { name: "signerSetVersion", type: "uint64" },
  ],
  NodeAttestation: [
    { name: "nodeId", type: "uint256" },
    { name: "validUntil", type: "uint40" },
    { name: "evidence", type: "bytes32" },
    { name: "signerSetVersion", type: "uint64" },
  ],
  RatingAttestation: [
    { name: "gpuModel", type: "bytes32" },
    { name: "imagesPerSecondE3", type: "uint32[7]" },
    { name: "evidence", type: "bytes32" },
    { name: "signerSetVersion", type: "uint64" },
  ],
} satisfies Record<string, TypedDataField[]>;

/**
 * The messages, by the name of their type. Each is void once another signer set than that of its version is in force.
 */
export interface OracleMessages {
  /** A root of receipts, and the SHA-256 of the published file that it was made from. */
  ReceiptBatch: { receiptsRoot: string; dataHash: string; signerSetVersion: bigint };
  /** `validUntil` is in unix seconds; `evidence` is the hash of the node's benchmark log. */
  NodeAttestation: { nodeId: bigint; validUntil: bigint; evidence: string; signerSetVersion: bigint };
  /** `imagesPerSecondE3` is in thousandths of images per second, in the order of `NETWORKS`. */
  RatingAttestation: {
    gpuModel: string;
    imagesPerSecondE3: readonly bigint[];
    evidence: string;
    signerSetVersion: bigint;
  };
}

export type OracleMessageType = keyof OracleMessages;

/** A signature and its signer, in the form that the contracts take. */
export interface Signature {
  signer: string;
  signature: string;
}

/** Returns the struct hash of a message, in the form that `TUReceiptOracle.checkQuorum` takes. */
export function structHash<T extends OracleMessageType>(type: T, message: OracleMessages[T]): string {
  return TypedDataEncoder.hashStruct(type, typesOf(type), message);
}

/** Returns the type of a message in the form that ethers takes. */
export function typesOf(type: OracleMessageType): Record<string, TypedDataField[]> {
  return { [type]: ORACLE_TYPES[type] };
}
