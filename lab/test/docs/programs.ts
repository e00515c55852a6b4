/** What stands around a block of TypeScript: what it leaves to its reader before, and what must hold after. */
export interface Program {
  before: string;
  after: string;
  /** The refusal with which it ends on a chain without any earnings. */
  failsWith?: string;
}

const CLIENT = `
import { readFileSync } from "node:fs";
import { JsonRpcProvider } from "ethers";
import { TuringFog, type Addresses } from "@turingfog/sdk/ethers";
const book = JSON.parse(readFileSync("deployments/localhost.json", "utf8")) as Addresses;
const provider = new JsonRpcProvider(process.env.LOCALHOST_RPC_URL);
const fog = await TuringFog.at(book, provider);
`;

/** Programs of the pages by the section that has their block. */
export const PROGRAMS: Record<string, Program> = {
  "docs/sdk.md#the-sdk": {
    before: "",
    after:
      "if (total !== 10n ** 27n || reserve !== 35n * 10n ** 25n || phase !== 0n) throw new Error(`${total} ${phase}`);",
  },
  "docs/sdk.md#logs": {
    before: CLIENT,
    after: "if (opened.length !== 0) throw new Error(`${opened.length} orders`);",
  },
  "docs/sdk.md#receipts": {
    before: `
      import { writeFileSync } from "node:fs";
      import { ZeroHash } from "ethers";
      import { writeReceiptFile } from "@turingfog/sdk/wire";
      const written = [{ orderId: 1n, nodeId: 2n, cumulativeTU: 3n, measuredAt: 4n, meterLogHash: ZeroHash }];
      writeFileSync("receipts.json", Buffer.concat([...writeReceiptFile(written)]));
      let slices = 0;`,
    after: `
      for (const { receiptsRoot } of tree.slices({ maxBytes: 94_800, maxGas: 16_777_216n })) {
        if (receiptsRoot !== tree.root) throw new Error(receiptsRoot);
        slices++;
      }
      if (slices !== 1 || dataHash.length !== 66) throw new Error(\`\${slices} slices, \${dataHash}\`);`,
  },
  "docs/sdk.md#messages": {
    before: `
      import { Wallet, ZeroHash } from "ethers";
      const escrow = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";
      const meterKey = Wallet.createRandom();
      const document = { meterKey: meterKey.address.toLowerCase() };
      const reading: Reading = {
        orderId: 1n, nodeId: 2n, sequence: 1n, cumulativeTU: 3n, measuredAt: 4n, evidence: ZeroHash, previous: ZeroHash,
      };`,
    after: "if (!isOwn || meterLogHash.length !== 66) throw new Error(`${isOwn} ${meterLogHash}`);",
  },
  "docs/runbooks.md#times": {
    before: `
      import { ZeroHash } from "ethers";
      const root = ZeroHash;
      const asset = await readAsset();
      async function readAsset() {
        const { readAddresses } = await import("@turingfog/sdk/node");
        return (await readAddresses("localhost", "deployments")).addresses.tft;
      }`,
    after: "",
    failsWith: "Controller_TFTNotSold",
  },
};
