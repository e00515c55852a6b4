import {
  type AddressBook,
  connect,
  type Connection,
  type Difference,
  differences,
  latestBlock,
  planDeployment,
  readAddressBook,
  readBuild,
  readParameters,
} from "@turingfog/operator";
import { TuringFogError } from "@turingfog/sdk";
import { keccak256 } from "ethers";

import { ends, newCommand } from "../../lib/command.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { DEPLOYMENTS, describeBlock, NETWORK } from "../../lib/deployed.js";

export const command = newCommand({
  description: `Shows which contracts of a deployment exist, are missing or differ. Sends nothing and needs no key.

Ends with 0 if every contract exists and nothing differs, else with 1. To compare what governance has changed since, run
turingfog deploy accept.`,
  examples: [
    "turingfog deploy status --network sepolia",
    "turingfog deploy status --network localhost --parameters deploy/parameters/local.json5 --json",
  ],
})
  .addOption(NETWORK)
  .option(
    "--parameters <FILE>",
    "expected parameters: looks for their contracts if there is no address book, and compares them with those of the " +
      "address book's deployment if there is one",
  )
  .addOption(DEPLOYMENTS)
  .action(async (values) => ends(await status(values, outputOf(values))));

/** Thrown when neither parameters nor an address book name contracts to look for. */
class NothingToLookForError extends TuringFogError {
  constructor(network: string) {
    super(`There is no address book of ${network}: give --parameters FILE to look for what it would deploy`);
  }
}

/** State of the code at a contract's address. */
type State = "stands" | "missing" | "other code than the address book has";

interface Values {
  network: string;
  parameters?: string;
  deployments: string;
}

async function status(values: Values, output: Output): Promise<number> {
  const parameters = values.parameters === undefined ? undefined : readParameters(values.parameters);
  const connection = await connect(values.network);
  const build = await readBuild();
  const plan = parameters && planDeployment(parameters, build);
  const book = await bookOf(connection, values.deployments);

  const addresses = book?.addresses ?? plan?.addresses;
  if (addresses === undefined) throw new NothingToLookForError(values.network);
  const block = await latestBlock(connection.provider);
  const states = await statesOf(addresses, book, connection);
  const differing = book && plan && parameters && book.deployment !== plan.id;
  const found = differing ? await differences(book, plan, parameters, connection.chainId, build) : [];

  const isAsPlanned = Object.values(states).every((state) => state === "stands") && differing !== true;
  const text = [
    describe(connection, addresses, states, book, differing === true ? found : undefined),
    `As of block ${describeBlock(block)}`,
  ].join("\n");
  const document = { deployment: book?.deployment ?? plan?.id, addresses, states, differences: found, isAsPlanned };
  output.result({ block: block.number, time: BigInt(block.timestamp), ...document }, text);
  return isAsPlanned ? 0 : 1;
}

/** Reads the address book; undefined if it is of another chain, such as a local node that was restarted. */
async function bookOf({ name, chainId }: Connection, directory: string): Promise<AddressBook | undefined> {
  const book = await readAddressBook(name, directory);
  return book !== undefined && BigInt(book.chainId) === chainId ? book : undefined;
}

async function statesOf(
  addresses: Record<string, string>,
  book: AddressBook | undefined,
  { provider }: Connection,
): Promise<Record<string, State>> {
  const state = async ([name, address]: [string, string]): Promise<[string, State]> => {
    const code = await provider.getCode(address);
    if (code === "0x") return [name, "missing"];
    const recorded = book?.contracts[name]?.runtimeCodeHash;
    const isOther = recorded !== undefined && recorded !== keccak256(code);
    return [name, isOther ? "other code than the address book has" : "stands"];
  };
  return Object.fromEntries(await Promise.all(Object.entries(addresses).map(state)));
}

function describe(
  { name, chainId }: Connection,
  addresses: Record<string, string>,
  states: Record<string, State>,
  book: AddressBook | undefined,
  found: Difference[] | undefined,
): string {
  const source =
    book === undefined ? "as the parameters would have it; there is no address book" : "by its address book";
  const lines = [
    `TuringFog on ${name} (chain ${chainId}), ${source}`,
    table(
      Object.entries(addresses).map(([contract, address]) => {
        const gas = book?.contracts[contract]?.gas ?? null;
        return [
          contract,
          address,
          states[contract],
          gas === null ? "" : `created with ${gas.toLocaleString("en")} gas`,
        ];
      }),
    ),
  ];
  if (found === undefined) return lines.join("\n");
  const rows = found.map(({ path, deployed, planned }) => [path, deployed ?? "none", planned ?? "none"]);
  lines.push(
    "Parameters and build would make another deployment",
    rows.length === 0 ? "  in code alone" : table([["", "deployed", "parameters and build"], ...rows]),
  );
  return lines.join("\n");
}
