import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { Etherscan } from "@turingfog/operator";
import { expect } from "chai";

const SUBMISSION = {
  address: "0x01",
  source: "{}",
  fullyQualifiedName: "contracts/TFT.sol:TFT",
  compilerVersion: "v0.8.37+commit.00000000",
  constructorArguments: "",
};

const ok = (result: unknown) => ({ status: "1", message: "OK", result });
const notOk = (result: unknown) => ({ status: "0", message: "NOTOK", result });

/** Uses a client of an explorer that gives these answers one after the other, and resolves to what it was asked. */
async function withAnswers(answers: unknown[], use: (explorer: Etherscan) => Promise<void>, status = 200) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url as string, "http://localhost");
    asked.push(`${request.method} ${[...searchParams].map((pair) => pair.join("=")).join("&")}`);
    response.writeHead(status, { connection: "close" }).end(JSON.stringify(answers[asked.length - 1]));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  try {
    await use(new Etherscan("KEY", url, "https://explorer.example", 10, 0));
  } finally {
    server.close();
  }
  return asked;
}

describe("Etherscan", () => {
  describe("isVerified", () => {
    for (const [what, answer, expected] of [
      ["has its sources", ok([{ SourceCode: "contract C {}" }]), true],
      ["has none", ok([{ SourceCode: "" }]), false],
      ["does not know it", notOk("Contract source code not verified"), false],
    ] as const) {
      it(`is ${expected} for a contract if the explorer ${what}`, async () => {
        const asked = await withAnswers([answer], async (explorer) => {
          expect(await explorer.isVerified("0x01")).to.equal(expected);
        });
        expect(asked).to.deep.equal(["GET chainid=10&module=contract&apikey=KEY&action=getsourcecode&address=0x01"]);
      });
    }
  });

  describe("verify", () => {
    it("asks again until the explorer has compiled the sources", async () => {
      const answers = [ok("guid"), notOk("Pending in queue"), notOk("Pending in queue"), ok("Pass - Verified")];
      const asked = await withAnswers(answers, async (explorer) => {
        expect(await explorer.verify(SUBMISSION)).to.equal("Pass - Verified");
      });
      const question = "GET chainid=10&module=contract&apikey=KEY&action=checkverifystatus&guid=guid";
      expect(asked).to.deep.equal(["POST chainid=10", question, question, question]);
    });

    it("asks nothing more if the explorer does not take the sources", async () => {
      const asked = await withAnswers([notOk("Contract source code already verified")], async (explorer) => {
        expect(await explorer.verify(SUBMISSION)).to.equal("Contract source code already verified");
      });
      expect(asked).to.have.length(1);
    });
  });

  it("rejects an answer with an HTTP error, without the key in the message", async () => {
    await withAnswers(
      [ok([])],
      async (explorer) => {
        const error = await explorer.isVerified("0x01").catch((thrown: Error) => thrown);
        expect(error)
          .to.be.an("error")
          .with.property("message")
          .that.matches(/^http:[^?]* answered with status 503$/);
      },
      503,
    );
  });
});
