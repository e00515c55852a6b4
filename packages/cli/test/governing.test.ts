import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { loadFixture, setCode } from "@nomicfoundation/hardhat-network-helpers";
import {
  type ActionKind,
  type ActionValues,
  checkedDeployment as deployedSubject,
  openDeployment,
  type OpenDeployment,
  readAction,
} from "@turingfog/cli";
import { connect, type DeploymentParameters, withNodeNamed } from "@turingfog/operator";
import { connectContracts, NoContractError, OtherChainError } from "@turingfog/sdk/ethers";
import { NotDeployedError } from "@turingfog/sdk/node";
import { expect } from "chai";
import { concat, getAddress, parseUnits, toBeHex } from "ethers";
import { ethers } from "hardhat";

import { checkedDeployment } from "../../../test/helpers/checkedDeployment";
import { deployProtocolFixture } from "../../../test/helpers/fixture";

async function governed() {
  const protocol = await deployProtocolFixture();
  const { addresses } = await checkedDeployment(protocol);
  return { ...protocol, governance: connectContracts(addresses, ethers.provider) };
}

async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("nothing was refused"),
    (error: Error) => error,
  );
}

describe("readAction", () => {
  it("reads every action", async () => {
    const { governance, params } = await loadFixture(governed);
    const [a, b] = params.signers;
    expect(await readAction("rotate-signers", { signers: `${a}, ${b}`, quorum: "2" }, governance)).to.deep.equal({
      kind: "rotate-signers",
      signers: [a, b],
      quorum: 2n,
    });
    expect(await readAction("replace-guardian", { guardian: a }, governance)).to.deep.equal({
      kind: "replace-guardian",
      guardian: a,
    });
    expect(await readAction("list-asset", { asset: a, referencePrice: "2.5" }, governance)).to.deep.equal({
      kind: "list-asset",
      asset: a,
      referencePrice: parseUnits("2.5", 18),
    });
    expect(await readAction("list-asset", { asset: a }, governance)).to.deep.include({ referencePrice: 0n });
    expect(await readAction("delist-asset", { asset: a }, governance)).to.deep.equal({
      kind: "delist-asset",
      asset: a,
    });
  });

  it("keeps of the operations what is not given", async () => {
    const { governance, params } = await loadFixture(governed);
    const { treasury, share } = params.operations;
    const [other] = params.signers;
    const read = (values: ActionValues) => readAction("set-operations", values, governance);
    expect(await read({ share: "5" })).to.deep.equal({ kind: "set-operations", treasury, share: 5n });
    expect(await read({ treasury: other })).to.deep.equal({ kind: "set-operations", treasury: other, share });
  });

  const lowercase = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
  for (const [kind, values, message] of [
    ["rotate-signers", {}, "--signers is missing; see --help"],
    [
      "rotate-signers",
      { signers: lowercase },
      `--signers is ${lowercase}, must be an address with its EIP-55 checksum`,
    ],
    ["replace-guardian", { guardian: "0x12" }, "--guardian is 0x12, must be an address with its EIP-55 checksum"],
    ["set-operations", {}, "--treasury and --share are missing; see --help"],
    ["set-operations", { share: "2.5" }, "--share is 2.5, must be a whole number"],
    [
      "list-asset",
      { asset: ethers.getAddress(lowercase), referencePrice: "1,5" },
      "--reference-price is 1,5, must be TFT as 2.5",
    ],
  ] as [ActionKind, ActionValues, string][]) {
    it(`refuses ${kind} with ${JSON.stringify(values)}`, async () => {
      const { governance } = await loadFixture(governed);
      expect((await refusalOf(readAction(kind, values, governance))).message).to.equal(message);
    });
  }
});

describe("checkedDeployment", () => {
  const ROUTER = "0x94cC0AaC535CCDB3C01d6787D6413C739ae12bc4";
  const [FACTORY, RECORDED] = [1, 2].map((byte) => getAddress(toBeHex(byte, 20)));
  const output = {
    json: false,
    say: () => undefined,
    note: () => undefined,
    doing: () => undefined,
    result: () => undefined,
  };

  /** A deployment with a filler, on a chain with or without a router of Uniswap's. */
  async function withFiller(uniswapRouter?: string): Promise<OpenDeployment> {
    const connection = await connect("hardhat");
    const filler = { arguments: ["0x", RECORDED] };
    const book = { addresses: { filler: ROUTER }, contracts: { filler }, deployer: null, firstBlock: 0 };
    return {
      connection: { ...connection, chain: { ...connection.chain, uniswapRouter } },
      book: book as unknown as OpenDeployment["book"],
    };
  }
  const factoryOf = async (deployed: OpenDeployment) =>
    (await deployedSubject(deployed, {} as DeploymentParameters, output)).fillerFactory;

  it("takes the filler's factory from the router of the chain, and from the book on a chain without one", async () => {
    await loadFixture(governed);
    expect(await factoryOf(await withFiller())).to.equal(RECORDED);
    // PUSH20 factory, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN
    await setCode(ROUTER, concat(["0x73", FACTORY, "0x60005260206000f3"]));
    expect(await factoryOf(await withFiller(ROUTER))).to.equal(FACTORY);
  });

  it("takes no other for it if the router does not answer", async () => {
    await loadFixture(governed);
    const refused = await refusalOf(factoryOf(await withFiller(ROUTER)));
    expect(refused.message).to.contain(`Uniswap's router ${ROUTER} does not tell its factory on Hardhat's network`);
    expect(withNodeNamed(refused, "sepolia").message).to.contain("set SEPOLIA_RPC_URL to another node");
  });
});

describe("openDeployment", () => {
  it("refuses a network that nothing was deployed to, and an address book of another chain", async () => {
    const deployments = await mkdtemp(path.join(tmpdir(), "turingfog-books-"));
    const none = await refusalOf(openDeployment({ network: "hardhat", deployments }));
    expect(none).to.be.instanceOf(NotDeployedError);
    expect(none.message).to.contain(path.join(deployments, "hardhat.json"));

    await writeFile(path.join(deployments, "hardhat.json"), JSON.stringify({ network: "hardhat", chainId: 1 }));
    const other = await refusalOf(openDeployment({ network: "hardhat", deployments }));
    expect(other).to.be.instanceOf(OtherChainError);
    expect(other.message).to.contain("The node is on chain 31337, the deployment on 1: ");
    await rm(deployments, { recursive: true });
  });

  it("refuses a node that has nothing at the timelock's address, where each call would succeed to no effect", async () => {
    const deployments = await mkdtemp(path.join(tmpdir(), "turingfog-books-"));
    const timelock = ethers.Wallet.createRandom().address;
    const book = { network: "hardhat", chainId: 31337, addresses: { timelock } };
    await writeFile(path.join(deployments, "hardhat.json"), JSON.stringify(book));
    const none = await refusalOf(openDeployment({ network: "hardhat", deployments }));
    expect(none).to.be.instanceOf(NoContractError);
    expect(none.message).to.contain(`The node has no contract at ${timelock}: check the RPC URL and the address book`);
    await rm(deployments, { recursive: true });
  });
});
