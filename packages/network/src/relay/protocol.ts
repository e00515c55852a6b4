/** The protocol to which a node's request is upgraded: HTTP/1.1 in which the relay asks and the node answers. */
export const TUNNEL = "turingfog-relay";

/** Returns the path of a node at a relay, below which is all that the node serves. */
export function tunnelPath(nodeId: bigint): string {
  return `/nodes/${nodeId}`;
}
