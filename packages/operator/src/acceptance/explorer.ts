import { Section, type Check } from "./checks.js";
import { Etherscan } from "./etherscan.js";
import type { ExpectedContract } from "../deployment/expected.js";

/** Etherscan's API for all chains, which takes the chain id. Other explorers have one address for each chain. */
const ETHERSCAN_V2 = "https://api.etherscan.io/v2/api";

/**
 * Returns a client of a block explorer that verifies as Etherscan does.
 * @param api address of its API
 * @param url address of its pages
 */
export function explorerAt(api: string, url: string, chainId: bigint, apiKey: string): Etherscan {
  return new Etherscan(apiKey, api, url, api === ETHERSCAN_V2 ? Number(chainId) : undefined);
}

/**
 * Submits every contract that an explorer has not verified yet, those that Genesis created included. Submits only the
 * sources of each contract, from which the compiler makes exactly the deployed code.
 */
export async function verifyOnExplorer(explorer: Etherscan, contracts: ExpectedContract[]): Promise<Check[]> {
  const section = new Section("Explorer");
  for (const contract of contracts) {
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

/** Etherscan's words, and those of Blockscout, for sources that it has now or had before. */
const IS_VERIFIED = /^(Pass - Verified|Already Verified|Contract source code already verified|Smart-contract already)/;

async function verifyContract(explorer: Etherscan, contract: ExpectedContract): Promise<string> {
  const { address, compiled, constructorArguments } = contract;
  if (await explorer.isVerified(address)) return VERIFIED;

  const outcome = await explorer.verify({
    address,
    source: JSON.stringify(compiled.input),
    fullyQualifiedName: compiled.fullyQualifiedName,
    compilerVersion: `v${compiled.compilerVersion}`,
    constructorArguments: constructorArguments.slice(2),
  });
  return IS_VERIFIED.test(outcome) ? VERIFIED : outcome;
}
