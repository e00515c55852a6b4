import { formatDuration } from "@turingfog/sdk";
import type { Block } from "ethers";

import type { Connection } from "../connection.js";
import { NodeRefusalError } from "../node.js";

/** Findings about the figures that CHAINS has of a chain. */
export interface FigureFindings {
  problems: string[];
  warnings: string[];
}

/** Blocks over which the time of one is measured: timestamps are whole seconds, and slots may be missed. */
const SAMPLE = 500;

/** Factor by which a figure may be off. */
const TOLERANCE = 2;

/**
 * Compares what CHAINS says of a chain's times with the chain: the time of a block by the timestamps of the last ones, and
 * the age of the last final block.
 */
export async function checkFigures(connection: Connection, latest: Block): Promise<FigureFindings> {
  const { name, chain, provider } = connection;
  const { blockTime, finality, since } = chain;
  if (since === undefined) return { problems: [], warnings: [] };

  const warnings: string[] = [];
  const held = `, as it was on ${since}: see whether the chain has changed since, and mend its row in CHAINS`;
  const earlier = await provider.getBlock(Math.max(latest.number - SAMPLE, 0));
  const count = latest.number - (earlier?.number ?? latest.number);
  if (earlier !== null && count > 0) {
    const measured = (latest.timestamp - earlier.timestamp) / count;
    if (measured > blockTime * TOLERANCE || measured < blockTime / TOLERANCE) {
      warnings.push(
        `${chain.title} made its last ${count} blocks in ${measured.toFixed(2)} s each, expected about ${blockTime} s${held}`,
      );
    }
  }

  const final = await lastFinal(connection);
  if (final === null) {
    const problem =
      `The node of ${name} does not know which block is ${finality.tag}, by which a deployment is taken to stay: ` +
      "use another node";
    return { problems: [problem], warnings };
  }
  const age = latest.timestamp - final.timestamp;
  if (age > finality.takes * TOLERANCE) {
    const [is, usual] = [age, finality.takes].map((seconds) => formatDuration(BigInt(seconds)));
    warnings.push(`The last ${finality.tag} block of ${chain.title} is ${is} old, expected at most ${usual}${held}`);
  }
  return { problems: [], warnings };
}

async function lastFinal({ chain, provider }: Connection): Promise<Block | null> {
  try {
    return await provider.getBlock(chain.finality.tag);
  } catch (error) {
    if (error instanceof NodeRefusalError) return null;
    throw error;
  }
}
