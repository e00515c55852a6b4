import { Section, type Check } from "./checks.js";
import { type Clock, Etherscan } from "./etherscan.js";
import type { ExpectedContract } from "../deployment/expected.js";

/** Etherscan's API for all chains, which takes the chain id. Other explorers have one address for each chain. */
const ETHERSCAN_V2 = "https://api.etherscan.io/v2/api";

/**
 * Returns a client of a block explorer that verifies as Etherscan does.
 * @param api address of its API
 * @param url address of its pages
 */
export function explorerAt(api: string, url: string, chainId: bigint, apiKey: string, clock?: Clock): Etherscan {
  return new Etherscan(apiKey, api, url, api === ETHERSCAN_V2 ? Number(chainId) : undefined, clock);
}

/**
 * Submits every contract that an explorer has not verified yet, those that Genesis created included. Submits only the
 * sources of each contract, from which the compiler makes exactly the deployed code.
 * @param note told about each contract before the explorer is asked
 */
export async function verifyOnExplorer(
  explorer: Etherscan,
  contracts: ExpectedContract[],
  note: (line: string) => void = () => undefined,
): Promise<Check[]> {
  const section = new Section("Explorer");
  for (const [i, contract] of contracts.entries()) {
    note(`Asking the explorer about ${contract.name}, ${i + 1} of ${contracts.length}`);
    const outcome = await verifyContract(explorer, contract).catch((error: Error) => error.message);
    section.equal(
      explorer.getContractUrl(contract.address),
      `${contract.name}: ${outcome}`,
      `${contract.name}: ${VERIFIED}`,
    );
  }
  return section.checks;
}

const VERIFIED = "verified";

async function verifyContract(explorer: Etherscan, contract: ExpectedContract): Promise<string> {
  const { address, compiled, constructorArguments } = contract;
  if (await explorer.isVerified(address)) return VERIFIED;

  const problem = await explorer.verify({
    address,
    source: JSON.stringify(compiled.input),
    fullyQualifiedName: compiled.fullyQualifiedName,
    compilerVersion: `v${compiled.compilerVersion}`,
    constructorArguments: constructorArguments.slice(2),
  });
  return problem ?? VERIFIED;
}
