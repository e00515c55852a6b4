import { time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, NETWORKS, REFERENCE_IMAGES_PER_SECOND } from "@turingfog/sdk";
import { id, ZeroHash } from "ethers";
import { type Protocol } from "./fixture";
import { signByQuorum } from "./market";

export const MAX_ATTESTATION = 90n * DAY;

export const EVIDENCE = id("benchmark log");

export const MODEL = id("A100");

export type Images = [bigint, bigint, bigint, bigint, bigint, bigint, bigint];

/** Seven throughputs, in thousandths of images per second, that are some multiple of the reference. */
export function multipleOfReference(numerator: bigint, denominator = 1n): Images {
  return NETWORKS.map((network) => (REFERENCE_IMAGES_PER_SECOND[network] * 1_000n * numerator) / denominator) as Images;
}

export async function signRating(protocol: Protocol, imagesPerSecondE3: Images, gpuModel = MODEL) {
  return signByQuorum(protocol, "RatingAttestation", { gpuModel, imagesPerSecondE3, evidence: EVIDENCE });
}

export async function attestRating(protocol: Protocol, images: Images, gpuModel = MODEL) {
  const { registry } = protocol.contracts;
  return registry.attestRating(gpuModel, images, EVIDENCE, await signRating(protocol, images, gpuModel));
}

export async function signNode(protocol: Protocol, nodeId: bigint, validUntil: bigint) {
  return signByQuorum(protocol, "NodeAttestation", { nodeId, validUntil, evidence: EVIDENCE });
}

/** Makes a freeze or a rotation one transaction away. */
export async function prepareDisturbance({ contracts, actors }: Protocol, disturbance: "freeze" | "rotation") {
  const { oracle, timelock } = contracts;
  if (disturbance === "freeze") return { disturb: () => oracle.connect(actors.guardian).freeze() };

  const { to, data } = await oracle.setSigners.populateTransaction([...(await oracle.signers())], 3);
  const delay = await timelock.getMinDelay();
  await timelock.connect(actors.admin).schedule(to, 0, data, ZeroHash, ZeroHash, delay);
  await time.increase(delay);
  return { disturb: () => timelock.connect(actors.admin).execute(to, 0, data, ZeroHash, ZeroHash) };
}

export async function latest(): Promise<bigint> {
  return BigInt(await time.latest());
}

/** Attests a node in a block of a given time. */
export async function attestAt(protocol: Protocol, timestamp: bigint, nodeId: bigint, validUntil: bigint) {
  const signatures = await signNode(protocol, nodeId, validUntil);
  await time.setNextBlockTimestamp(timestamp);
  return protocol.contracts.registry.attestNode(nodeId, validUntil, EVIDENCE, signatures);
}
