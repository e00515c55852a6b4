import { once } from "node:events";
import { createServer } from "node:http";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { ClockError } from "@turingfog/network";
import { oracleDomain, SIGNER_DOCUMENT, SIGNERS } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { INTERVAL, SignerNetwork } from "../helpers/signers";

async function withNetwork(test: (network: SignerNetwork) => Promise<void>): Promise<void> {
  const network = await SignerNetwork.start();
  try {
    await test(network);
  } finally {
    await network.stop();
  }
}

describe("the documents of signers, one of which lies", () => {
  it("give the secret of an interval one whole interval of final blocks after it, whatever the clock says", () =>
    withNetwork(async ({ signers: [signer] }) => {
      const current = BigInt(await time.latest()) / INTERVAL;
      signer.clock.sees((current + 5n) * INTERVAL);
      const ask = async (interval: bigint) =>
        (await fetch(`http://127.0.0.1:${signer.port}/v1/draws/${interval}`)).status;
      expect([await ask(current), await ask(current - 1n), await ask(current - 2n)]).to.deep.equal([404, 404, 200]);
    }));

  it("refuse a document that names another signer's link key", () =>
    withNetwork(async ({ signers: [signer, other, liar], protocol }) => {
      const { documents } = signer.parts;
      const [own, known] = [documents.of(liar.address), documents.of(other.address)];
      if (own === undefined || known === undefined) throw new Error("The documents are not known");
      const domain = oracleDomain(31_337n, protocol.addresses.oracle);
      const document = await SIGNER_DOCUMENT.sign(liar.key, domain, {
        ...own,
        sequence: own.sequence + 1n,
        linkKey: known.linkKey,
      });
      const { server } = liar.parts;
      await server.close();
      const lies = createServer((_, response) => response.end(SIGNERS.encode({ documents: [document] })));
      await once(lies.listen(liar.port, "127.0.0.1"), "listening");
      try {
        // the first time by a connection that the signer has closed
        for (let i = 0; i < 2; ++i) await documents.exchange();
        expect(documents.of(liar.address)).to.deep.equal(own);
        expect(signer.logged("document refused: another's link key")).not.to.deep.equal([]);
      } finally {
        lies.closeAllConnections();
        await once(lies.close(), "close");
      }
    }));

  it("are not signed while the clock is wrong", () =>
    withNetwork(async ({ signers: [signer] }) => {
      const { documents } = signer.parts;
      const before = documents.of(signer.address);
      signer.clock.sees(BigInt(await time.latest()) + INTERVAL);
      signer.clock.check = () => {
        throw new ClockError("wrong");
      };
      const now = BigInt(await time.latest()) + INTERVAL;
      signer.clock.now = () => now;
      const failed = await documents.renew().catch((error: unknown) => error);
      expect(failed).to.be.instanceOf(ClockError);
      expect(documents.of(signer.address)).to.deep.equal(before);
    }));
});
