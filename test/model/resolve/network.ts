import { id, ZeroAddress } from "ethers";

import { delistAsset, listAsset } from "../reference/escrow";
import * as oracle from "../reference/oracle";
import * as registry from "../reference/registry";
import * as supply from "../reference/supply";
import { type Address, Refused, type World } from "../reference/world";
import type { Action, Entry } from "../steps";
import {
  ascending,
  callerOr,
  choose,
  chooseNode,
  type Command,
  type Context,
  EVIDENCE,
  type Resolvers,
  UNKNOWN_ROOT,
  vouch,
} from "./context";

/** Nodes, guardian, governor, and entries that are not for everyone. */
export const networkResolvers: Resolvers<
  | "registerNode"
  | "setPayout"
  | "setListing"
  | "setMetadataURI"
  | "transferNode"
  | "acceptNode"
  | "attestNode"
  | "revokeNode"
  | "attestRating"
  | "vetoRating"
  | "veto"
  | "freeze"
  | "thaw"
  | "setSigners"
  | "setGuardian"
  | "listAsset"
  | "delistAsset"
  | "setOperations"
  | "trespass"
> = {
  registerNode({ system }, { owner, gpuModel, gpuCount, payout }) {
    const from = system.account(owner);
    const node = { gpuModel: id(gpuModel), gpuCount, payout: system.account(payout), metadataURI: "ipfs://node" };
    return {
      ...{ from, contract: "registry", method: "registerNode", args: Object.values(node) },
      apply: (world, newNodeId) => {
        registry.registerNode(world, from, newNodeId, node);
      },
    };
  },

  setPayout(context, { node, caller, payout }) {
    const nodeId = chooseNode(context, node);
    const from = callerOr(context, caller, ownerOf(context, nodeId));
    const to = context.system.account(payout);
    return {
      ...{ from, contract: "registry", method: "setPayout", args: [nodeId, to] },
      apply: (world) => {
        registry.setPayout(world, from, nodeId, to);
      },
    };
  },

  setListing(context, { node, caller, asset, unitPrice, capacityTU }) {
    const nodeId = chooseNode(context, node);
    const from = callerOr(context, caller, ownerOf(context, nodeId));
    const address = context.system.account(asset);
    return {
      ...{ from, contract: "registry", method: "setListing", args: [nodeId, address, unitPrice, capacityTU] },
      apply: (world) => {
        registry.setListing(world, from, nodeId, address, unitPrice, capacityTU);
      },
    };
  },

  setMetadataURI(context, { node, caller }) {
    const nodeId = chooseNode(context, node);
    const from = callerOr(context, caller, ownerOf(context, nodeId));
    return {
      ...{ from, contract: "registry", method: "setMetadataURI", args: [nodeId, "ipfs://moved"] },
      apply: (world) => {
        registry.setMetadataURI(world, from, nodeId, "ipfs://moved");
      },
    };
  },

  transferNode(context, { node, caller, to: name }) {
    const nodeId = chooseNode(context, node);
    const from = callerOr(context, caller, ownerOf(context, nodeId));
    const to = context.system.account(name);
    return {
      ...{ from, contract: "registry", method: "transferNode", args: [nodeId, to] },
      apply: (world) => {
        registry.transferNode(world, from, nodeId, to);
      },
    };
  },

  acceptNode(context, { node, caller }) {
    const offered = [...context.world.state.nodes].filter(([, { pendingOwner }]) => pendingOwner !== ZeroAddress);
    const nodeId = choose(
      offered.map(([each]) => each),
      node,
      chooseNode(context, node),
    );
    const pending = context.world.state.nodes.get(nodeId)?.pendingOwner ?? ZeroAddress;
    const from = callerOr(context, caller, pending === ZeroAddress ? context.system.account("stranger") : pending);
    return {
      ...{ from, contract: "registry", method: "acceptNode", args: [nodeId] },
      apply: (world) => {
        registry.acceptNode(world, from, nodeId);
      },
    };
  },

  attestNode(context, action) {
    const nodeId = chooseNode(context, action.node);
    const last = context.world.state.nodes.get(nodeId)?.attestations.at(-1);
    const start = action.from === "now" ? context.at : (last?.until ?? context.at);
    const validUntil = start + BigInt(action.seconds);
    const content = { nodeId, validUntil, evidence: EVIDENCE };
    const { signatures, vouches } = vouch(context, "NodeAttestation", content, action.flaw);
    return {
      from: context.system.account("stranger"),
      ...{ contract: "registry", method: "attestNode", args: [nodeId, validUntil, EVIDENCE, signatures] },
      apply: (world) => {
        registry.attestNode(world, nodeId, validUntil, EVIDENCE, vouches);
      },
    };
  },

  revokeNode(context, { node, caller }) {
    const nodeId = chooseNode(context, node);
    const from = callerOr(context, caller, context.world.state.guardian);
    return {
      ...{ from, contract: "registry", method: "revokeNode", args: [nodeId] },
      apply: (world) => {
        registry.revokeNode(world, from, nodeId);
      },
    };
  },

  vetoRating(context, { gpuModel: name, caller }) {
    const gpuModel = id(name);
    const from = callerOr(context, caller, context.world.state.guardian);
    return {
      ...{ from, contract: "registry", method: "vetoRating", args: [gpuModel] },
      apply: (world) => {
        registry.vetoRating(world, from, gpuModel);
      },
    };
  },

  attestRating(context, { gpuModel: name, imagesPerSecondE3, flaw }) {
    const gpuModel = id(name);
    const content = { gpuModel, imagesPerSecondE3, evidence: EVIDENCE };
    const { signatures, vouches } = vouch(context, "RatingAttestation", content, flaw);
    return {
      from: context.system.account("stranger"),
      ...{ contract: "registry", method: "attestRating" },
      args: [gpuModel, imagesPerSecondE3, EVIDENCE, signatures],
      apply: (world) => {
        registry.attestRating(world, gpuModel, imagesPerSecondE3, EVIDENCE, vouches);
      },
    };
  },

  veto(context, { root: pick, caller }) {
    const { world } = context;
    const from = callerOr(context, caller, world.state.guardian);
    const roots = [...world.state.roots.keys()];
    const pending = roots.filter((each) => oracle.status(world, each).status === oracle.Status.Pending);
    const root = choose(pending.length > 0 ? pending : roots, pick, UNKNOWN_ROOT);
    return {
      ...{ from, contract: "oracle", method: "veto", args: [root] },
      apply: (applied) => {
        oracle.veto(applied, from, root);
      },
    };
  },

  freeze: (context, { caller }) => guardianCall(context, caller, "freeze", oracle.freeze),

  thaw: (context, { caller }) => guardianCall(context, caller, "thaw", oracle.thaw),

  setSigners(context, { caller, members, quorum, order }) {
    const from = callerOr(context, caller, context.world.setting.governor);
    const sorted = ascending(members.map((name) => context.system.account(name)));
    const signers = order === "ascending" ? sorted : sorted.reverse();
    return {
      ...{ from, contract: "oracle", method: "setSigners", args: [signers, BigInt(quorum)] },
      apply: (world) => {
        oracle.setSigners(world, from, signers, BigInt(quorum));
      },
    };
  },

  setGuardian(context, { caller, guardian }) {
    const from = callerOr(context, caller, context.world.setting.governor);
    const next = context.system.account(guardian);
    return {
      ...{ from, contract: "oracle", method: "setGuardian", args: [next] },
      apply: (world) => {
        oracle.setGuardian(world, from, next);
      },
    };
  },

  listAsset(context, { caller, asset, referencePrice }) {
    const from = callerOr(context, caller, context.world.setting.governor);
    const delisted = [...context.world.state.assets].find(([, { isListed }]) => !isListed)?.[0];
    const address = referencePrice === 0n && delisted !== undefined ? delisted : context.system.account(asset);
    return {
      ...{ from, contract: "escrow", method: "listAsset", args: [address, referencePrice] },
      apply: (world) => {
        listAsset(world, from, address, referencePrice);
      },
    };
  },

  delistAsset(context, { caller, asset }) {
    const from = callerOr(context, caller, context.world.setting.governor);
    const address = context.system.account(asset);
    return {
      ...{ from, contract: "escrow", method: "delistAsset", args: [address] },
      apply: (world) => {
        delistAsset(world, from, address);
      },
    };
  },

  setOperations(context, { caller, treasury, share }) {
    const from = callerOr(context, caller, context.world.setting.governor);
    const to = context.system.account(treasury);
    return {
      ...{ from, contract: "vault", method: "setOperations", args: [to, share] },
      apply: (world) => {
        supply.setOperations(world, from, to, share);
      },
    };
  },

  trespass: (context, action) => trespass(context, action),
};

function ownerOf({ world, system }: Context, nodeId: bigint): Address {
  return world.state.nodes.get(nodeId)?.owner ?? system.account("stranger");
}

function guardianCall(
  context: Context,
  caller: string | null,
  method: "freeze" | "thaw",
  act: (world: World, caller: Address) => void,
): Command {
  const from = callerOr(context, caller, context.world.state.guardian);
  return {
    ...{ from, contract: "oracle", method, args: [] },
    apply: (world) => {
      act(world, from);
    },
  };
}

/** The arguments of each entry, and the error that names who must not use it. */
const ENTRIES: Record<Entry, { error: string; args: (context: Context) => unknown[] }> = {
  "tft.burn": { error: "TFT_NotController", args: () => [1n] },
  "vault.release": { error: "Vault_NotController", args: () => [] },
  "registry.reserve": {
    error: "Registry_NotEscrow",
    args: (context) => [chooseNode(context, 0), context.system.account("usd"), 1n],
  },
  "pool.addWeights": {
    error: "Pool_NotEscrow",
    args: ({ system }) => [system.account("usd"), [system.account("stranger")], [1n]],
  },
  "pool.addReward": { error: "Pool_NotController", args: () => [1n, 1n, true] },
  "controller.createAuction": { error: "Controller_NotEscrow", args: ({ system }) => [system.account("aux"), 1n] },
  "escrow.setFreeze": { error: "Escrow_NotOracle", args: ({ at }) => [at, at + 1_000n] },
};

function trespass(context: Context, { caller, entry }: Extract<Action, { do: "trespass" }>): Command {
  const from = context.system.account(caller);
  const [contract, method] = entry.split(".") as [Command["contract"], string];
  const { error, args } = ENTRIES[entry];
  return {
    ...{ from, contract, method, args: args(context) },
    apply: () => {
      throw new Refused(contract, error, [from]);
    },
  };
}
