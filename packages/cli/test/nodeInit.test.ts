import path from "node:path";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { HttpClient, readNodeDocument } from "@turingfog/network";
import { expect } from "chai";
import { type TypedDataDomain, type TypedDataField } from "ethers";
import { ethers } from "hardhat";

import { OrderNetwork } from "../../network/test/helpers/orderNetwork";

interface Unsigned {
  typedData: { domain: TypedDataDomain; types: Record<string, TypedDataField[]>; message: Record<string, unknown> };
}

describe("turingfog node init --unsigned", () => {
  it("keeps what it prints, so that a later --signature fits, also of a contract", async () => {
    const network = await OrderNetwork.open();
    try {
      const { contracts, actors } = network.protocol;
      const [nodeId, contractsNode] = network.nodeIds;
      // the second node belongs to a contract, for which the first miner signs
      const wallet = await ethers.deployContract("SignerWallet", [actors.miners[0].address]);
      const asWallet = await ethers.getImpersonatedSigner(await wallet.getAddress());
      await ethers.provider.send("hardhat_setBalance", [asWallet.address, "0xde0b6b3a7640000"]);
      await contracts.registry.connect(actors.miners[1]).transferNode(contractsNode, wallet);
      await contracts.registry.connect(asWallet).acceptNode(contractsNode);

      for (const id of [nodeId, contractsNode]) {
        const folder = path.join(network.folder, `unsigned${id}`);
        const args = ["--folder", folder, "--network", "localhost", "--node", String(id)];
        const all = [...args, "--endpoint", "https://node.example", "--signer", "https://signer.example", "--json"];
        const printed = await network.command("node init", [...all, "--unsigned"], actors.stranger.address);
        const { domain, types, message } = (JSON.parse(printed.stdout) as Unsigned).typedData;
        const signature = await actors.miners[0].signTypedData(domain, types, message);
        await time.increase(100);

        const wrong = await actors.stranger.signTypedData(domain, types, message);
        const refused = network.command("node init", [...all, "--signature", wrong], actors.stranger.address);
        await expect(refused).to.be.rejectedWith("whose signature the document needs");
        const taken = await network.command("node init", [...all, "--signature", signature], actors.stranger.address);
        const { uri } = JSON.parse(taken.stdout) as { uri: string };

        const owner = id === nodeId ? actors.miners[0] : asWallet;
        await contracts.registry.connect(owner).setMetadataURI(id, uri);
        const { chainId } = await ethers.provider.getNetwork();
        const client = new HttpClient();
        const now = BigInt(await time.latest());
        const source = { contracts, provider: ethers.provider, chainId, since: 0, client, allowPrivate: true, now };
        expect((await readNodeDocument(id, source)).nodeId).to.equal(id);
        client.close();
      }
    } finally {
      await network.close();
    }
  }).timeout(120_000);
});
