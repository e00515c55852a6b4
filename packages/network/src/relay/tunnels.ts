import type { Socket } from "node:net";

import { RefusedError } from "../http/index.js";
import type { RelayLimits } from "./config.js";

/** Milliseconds for which a request waits for a connection. */
const PATIENCE = 5_000;

interface Node {
  /** Those that are open. */
  all: Set<Socket>;
  /** Those that carry no request yet. */
  fresh: Set<Socket>;
  /** Requests that wait for one. */
  waiting: Set<(socket: Socket) => void>;
  /** Runs while there is none. */
  leaving?: NodeJS.Timeout;
}

/** The connections that nodes keep to a relay. Each carries one request. */
export class Tunnels {
  private readonly nodes = new Map<bigint, Node>();

  constructor(
    private readonly limits: RelayLimits,
    private readonly patience = PATIENCE,
  ) {}

  /** Number of nodes that are connected, or were just now. */
  get count(): number {
    return this.nodes.size;
  }

  /**
   * Takes a connection of a node, unless the node or the relay has as many as it may.
   * @throws RefusedError
   */
  add(nodeId: bigint, socket: Socket): void {
    const { nodes, connections } = this.limits;
    const node: Node = this.nodes.get(nodeId) ?? { all: new Set(), fresh: new Set(), waiting: new Set() };
    if (!this.nodes.has(nodeId) && this.nodes.size >= nodes) {
      throw new RefusedError(503, "full", `This relay has ${nodes} nodes already: use another`);
    }
    if (node.all.size >= connections) {
      throw new RefusedError(429, "too-many-connections", `Node ${nodeId} has ${connections} connections already`);
    }
    this.nodes.set(nodeId, node);
    clearTimeout(node.leaving);
    node.all.add(socket);
    node.fresh.add(socket);
    socket.once("close", () => {
      node.all.delete(socket);
      node.fresh.delete(socket);
      // a node that has used all its connections is about to open others
      if (node.all.size === 0) node.leaving = setTimeout(() => this.nodes.delete(nodeId), this.patience).unref();
    });
  }

  /** Lets a connection carry the first request that waits, or the next one. */
  open(nodeId: bigint, socket: Socket): void {
    const node = this.nodes.get(nodeId);
    const [first] = node?.waiting ?? [];
    first?.(socket);
  }

  /**
   * Takes a connection to a node for one request.
   * @throws RefusedError if the node is not connected, or all its connections stay in use
   */
  async take(nodeId: bigint): Promise<Socket> {
    const node = this.nodes.get(nodeId);
    if (node === undefined) {
      throw new RefusedError(503, "not-connected", `Node ${nodeId} is not connected to this relay: try again later`);
    }
    const [fresh] = node.fresh;
    const socket = fresh ?? (await this.next(node));
    node.fresh.delete(socket);
    return socket;
  }

  /** Ends the connections of one node. */
  drop(nodeId: bigint): void {
    for (const socket of this.nodes.get(nodeId)?.all ?? []) socket.destroy();
  }

  close(): void {
    for (const nodeId of this.nodes.keys()) this.drop(nodeId);
  }

  private next(node: Node): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const take = (socket: Socket) => {
        end();
        node.fresh.delete(socket);
        resolve(socket);
      };
      const late = setTimeout(() => {
        end();
        reject(new RefusedError(503, "busy", "Every connection of the node is in use: try again later"));
      }, this.patience);
      const end = () => {
        clearTimeout(late);
        node.waiting.delete(take);
      };
      node.waiting.add(take);
    });
  }
}
