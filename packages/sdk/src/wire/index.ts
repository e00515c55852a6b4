export * from "./acknowledgement.js";
export * from "./attestation.js";
export * from "./bundle.js";
export * from "./challenges.js";
export {
  bytes32,
  InvalidValueError,
  list,
  oneOf,
  record,
  show,
  text,
  uint,
  type Json,
  type Shape,
  type Shapes,
} from "./codecs.js";
export {
  documentInForce,
  NODE_DOCUMENT,
  SIGNER_DOCUMENT,
  type NodeDocument,
  type Runner,
  type SignerDocument,
} from "./documents.js";
export * from "./domains.js";
export * from "./envelope.js";
export * from "./errors.js";
export { JsonFormat, SignedFormat, type Signed } from "./format.js";
export * from "./hasher.js";
export * from "./job.js";
export * from "./metering.js";
export * from "./oracle.js";
export * from "./signing.js";
export * from "./training.js";
export * from "../receipts/index.js";
