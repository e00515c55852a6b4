import type { Socket } from "node:net";

import { RefusedError } from "../http/index.js";
import type { RelayLimits } from "./config.js";

/** Milliseconds for which a request waits for a connection. */
const PATIENCE = 5_000;

/** Milliseconds after which a request is long. */
const LONG = 60_000;

/** A request that has a connection. */
interface Held {
  sender: string;
  /** On the monotonic clock. */
  since: number;
}

interface Waiting {
  sender: string;
  take(socket: Socket): void;
}

interface Node {
  /** Those that are open. */
  all: Set<Socket>;
  /** Those that carry no request yet. */
  fresh: Set<Socket>;
  /** Those that carry one, the oldest first. */
  held: Map<Socket, Held>;
  /** Requests that wait for one. */
  waiting: Set<Waiting>;
  /** Runs while there is none. */
  leaving?: NodeJS.Timeout;
}

/** The connections that nodes keep to a relay. Each carries one request. */
export class Tunnels {
  private readonly nodes = new Map<bigint, Node>();

  constructor(
    private readonly limits: RelayLimits,
    private readonly patience = PATIENCE,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Number of nodes that are connected, or were just now. */
  get count(): number {
    return this.nodes.size;
  }

  /**
   * Takes a connection of a node, unless the node or the relay has as many as it may. In a full relay, a node that is
   * attested takes the place of one that is not.
   * @throws RefusedError
   */
  add(nodeId: bigint, socket: Socket, isAttested: (nodeId: bigint) => boolean): void {
    const { nodes, connections } = this.limits;
    const node: Node = this.nodes.get(nodeId) ?? {
      all: new Set(),
      fresh: new Set(),
      held: new Map(),
      waiting: new Set(),
    };
    const isFull = !this.nodes.has(nodeId) && this.nodes.size >= nodes;
    const other = isFull && isAttested(nodeId) ? [...this.nodes.keys()].find((each) => !isAttested(each)) : undefined;
    if (other !== undefined) this.forget(other);
    else if (isFull) {
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
      node.held.delete(socket);
      // a node that has used all its connections is about to open others
      if (node.all.size > 0 || this.nodes.get(nodeId) !== node) return;
      node.leaving = setTimeout(() => this.nodes.delete(nodeId), this.patience).unref();
    });
  }

  /** Lets a connection carry the first request that waits, or the next one. */
  open(nodeId: bigint, socket: Socket): void {
    const node = this.nodes.get(nodeId);
    const [first] = node?.waiting ?? [];
    first?.take(socket);
  }

  /**
   * Takes a connection to a node for one request. If there is none, another sender's request gives its own up: of the
   * sender that has most, the oldest one, if the sender keeps as many as this one then has or the request is long.
   * @param sender who asks
   * @param gone aborted once the sender waits no more
   * @throws RefusedError if the node is not connected, all its connections stay in use, or the sender has gone
   */
  async take(nodeId: bigint, sender: string, gone: AbortSignal): Promise<Socket> {
    const node = this.nodes.get(nodeId);
    if (node === undefined) {
      throw new RefusedError(503, "not-connected", `Node ${nodeId} is not connected to this relay: try again later`);
    }
    if (gone.aborted) throw hasGone();
    const [fresh] = node.fresh;
    const socket = fresh ?? (await this.next(node, sender, gone));
    node.fresh.delete(socket);
    node.held.set(socket, { sender, since: this.now() });
    return socket;
  }

  /** Ends the connections of one node. */
  drop(nodeId: bigint): void {
    for (const socket of this.nodes.get(nodeId)?.all ?? []) socket.destroy();
  }

  close(): void {
    for (const nodeId of this.nodes.keys()) this.drop(nodeId);
  }

  /** Ends the connections of one node, and gives its place up. */
  private forget(nodeId: bigint): void {
    clearTimeout(this.nodes.get(nodeId)?.leaving);
    this.drop(nodeId);
    this.nodes.delete(nodeId);
  }

  private next(node: Node, sender: string, gone: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        gone.removeEventListener("abort", leave);
        node.waiting.delete(waiting);
      };
      const refuse = (error: RefusedError) => {
        end();
        reject(error);
      };
      const leave = () => refuse(hasGone());
      const waiting: Waiting = {
        sender,
        take: (socket) => {
          end();
          node.fresh.delete(socket);
          resolve(socket);
        },
      };
      // the node may be about to open others
      let timer = setTimeout(() => {
        this.makeRoom(node, sender);
        timer = setTimeout(() => refuse(isBusy("Every connection of the node is in use")), this.patience / 2);
      }, this.patience / 2);
      gone.addEventListener("abort", leave);
      node.waiting.add(waiting);
    });
  }

  /** Ends a request of the sender that has most of a node's connections, for one that waits. */
  private makeRoom(node: Node, sender: string): void {
    const counts = new Map<string, number>();
    for (const held of node.held.values()) counts.set(held.sender, (counts.get(held.sender) ?? 0) + 1);
    const most = Math.max(0, ...counts.values());
    const others = [...node.waiting].filter((each) => each.sender === sender).length - 1;
    const own = (counts.get(sender) ?? 0) + others;
    const mayEnd = ({ since }: Held) => most > own + 1 || (most > own && this.now() - since >= LONG);
    const [socket] = [...node.held].find(([, held]) => counts.get(held.sender) === most && mayEnd(held)) ?? [];
    if (socket === undefined) return;
    node.held.delete(socket);
    socket.destroy(isBusy("Another address needs the connection"));
  }
}

function isBusy(reason: string): RefusedError {
  return new RefusedError(503, "busy", `${reason}: try again later`);
}

function hasGone(): RefusedError {
  return new RefusedError(400, "gone", "The connection was closed before the node was asked");
}
