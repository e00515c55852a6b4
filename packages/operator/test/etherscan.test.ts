import { Etherscan, ExplorerTimeoutError } from "@turingfog/operator";
import { expect } from "chai";

import { FakeClock, FakeExplorer, notOk, ok, type Reply } from "../../../test/helpers/fakeExplorer";

const SUBMISSION = {
  address: "0x01",
  source: "{}",
  fullyQualifiedName: "contracts/TFT.sol:TFT",
  compilerVersion: "v0.8.37+commit.00000000",
  constructorArguments: "",
};

/** Requests a second of Etherscan's free tier. */
const FREE_TIER = 3;

/** Milliseconds after which the client gives up. */
const PATIENCE = 300_000;

/** What an explorer was asked, and when. */
interface Asked {
  questions: string[];
  times: number[];
}

/** Uses a client of an explorer that gives these answers one after the other, the last of them again and again. */
async function withAnswers(
  answers: readonly Reply[],
  use: (explorer: Etherscan, clock: FakeClock) => Promise<void>,
): Promise<Asked> {
  const clock = new FakeClock();
  const fake = await FakeExplorer.start();
  const times: number[] = [];
  fake.interrupt = (_question, count) => {
    times.push(clock.now());
    return answers[Math.min(count, answers.length) - 1];
  };
  try {
    await use(new Etherscan("KEY", fake.url, "https://explorer.example", 10, clock), clock);
  } finally {
    await fake.stop();
  }
  const questions = fake.questions.map(
    ({ method, query }) => `${method} ${[...query].map((pair) => pair.join("=")).join("&")}`,
  );
  return { questions, times };
}

const say = (...bodies: unknown[]): Reply[] => bodies.map((body) => ({ body }));

const STATUS = "GET chainid=10&module=contract&apikey=KEY&action=checkverifystatus&guid=guid";
const PASS = ok("Pass - Verified");

/** Answers that are none yet. */
const NOT_YET: [what: string, reply: Reply][] = [
  ["is asked too often", { body: notOk("Max calls per sec rate limit reached (3/sec)") }],
  [
    "is asked too often, without a key",
    { body: notOk("Max rate limit reached, please use API Key for higher rate limit") },
  ],
  ["is asked too often, by HTTP's status", { status: 429, body: "Too Many Requests" }],
  ["is busy, by HTTP's status", { status: 503, body: "<html>" }],
  ["gives no result", { body: { status: "0", message: "Something went wrong.", result: null } }],
  ["answers null", { body: null }],
];

describe("Etherscan", () => {
  describe("isVerified", () => {
    for (const [what, answer, expected] of [
      ["has its sources", ok([{ SourceCode: "contract C {}" }]), true],
      ["has none", ok([{ SourceCode: "" }]), false],
      ["has no list of any", ok(null), false],
      ["does not know it", notOk("Contract source code not verified"), false],
      ["does not know it, as Blockscout says it", { status: "0", message: "Contract not found", result: null }, false],
    ] as const) {
      it(`is ${expected} for a contract if the explorer ${what}`, async () => {
        const { questions } = await withAnswers(say(answer), async (explorer) => {
          expect(await explorer.isVerified("0x01")).to.equal(expected);
        });
        expect(questions).to.deep.equal([
          "GET chainid=10&module=contract&apikey=KEY&action=getsourcecode&address=0x01",
        ]);
      });
    }

    for (const [what, reply] of NOT_YET.slice(0, 4)) {
      it(`asks again if the explorer ${what}`, async () => {
        const answers = [reply, ...say(ok([{ SourceCode: "contract C {}" }]))];
        const { questions } = await withAnswers(answers, async (explorer) => {
          expect(await explorer.isVerified("0x01")).to.equal(true);
        });
        expect(questions).to.have.length(2);
      });
    }
  });

  describe("verify", () => {
    it("asks again until the explorer has compiled the sources", async () => {
      const answers = say(ok("guid"), notOk("Pending in queue"), ok("Pending in queue"), notOk("Unknown UID"), PASS);
      const { questions } = await withAnswers(answers, async (explorer) => {
        expect(await explorer.verify(SUBMISSION)).to.equal(undefined);
      });
      expect(questions).to.deep.equal(["POST chainid=10", STATUS, STATUS, STATUS, STATUS]);
    });

    for (const [what, reply] of [
      ...NOT_YET,
      [
        "has not indexed it, as Blockscout says it",
        { body: { message: "Address is not a smart-contract", result: null } },
      ],
      ["takes the sources without an id", { body: ok(null) }],
    ] as [string, Reply][]) {
      it(`submits again if the explorer ${what}`, async () => {
        const { questions } = await withAnswers([reply, reply, ...say(ok("guid"), PASS)], async (explorer) => {
          expect(await explorer.verify(SUBMISSION)).to.equal(undefined);
        });
        expect(questions).to.deep.equal(["POST chainid=10", "POST chainid=10", "POST chainid=10", STATUS]);
      });

      it(`asks for the outcome again if the explorer ${what}`, async () => {
        const { questions } = await withAnswers([...say(ok("guid")), reply, ...say(PASS)], async (explorer) => {
          expect(await explorer.verify(SUBMISSION)).to.equal(undefined);
        });
        expect(questions).to.deep.equal(["POST chainid=10", STATUS, STATUS]);
      });
    }

    it("submits again until the explorer has indexed the contract, when it finds out at once or later", async () => {
      const missing = "Unable to locate ContractCode at 0x01";
      const answers = say(notOk(missing), ok("old"), notOk(`Fail - Unable to verify. ${missing}`), ok("guid"), PASS);
      const { questions } = await withAnswers(answers, async (explorer) => {
        expect(await explorer.verify(SUBMISSION)).to.equal(undefined);
      });
      const [post, old] = ["POST chainid=10", STATUS.replace("guid=guid", "guid=old")];
      expect(questions).to.deep.equal([post, post, old, post, STATUS]);
    });

    for (const [who, answer] of [
      ["Etherscan", notOk("Contract source code already verified")],
      ["Etherscan of a proxy", notOk("Already Verified")],
      ["Blockscout", { status: "0", message: "Smart-contract already verified.", result: null }],
    ] as const) {
      it(`takes sources that the explorer has already for verified, as ${who} says it`, async () => {
        const { questions } = await withAnswers(say(answer), async (explorer) => {
          expect(await explorer.verify(SUBMISSION)).to.equal(undefined);
        });
        expect(questions).to.have.length(1);
        await withAnswers(say(ok("guid"), answer), async (explorer) => {
          expect(await explorer.verify(SUBMISSION)).to.equal(undefined);
        });
      });
    }

    for (const words of [
      "Fail - Unable to verify. Compiled contract deployment bytecode does NOT match the transaction deployment bytecode",
      "Invalid API Key",
      "Max daily rate limit reached. 100000 (100%) of 100000 day/limit",
    ]) {
      it(`gives the explorer's words at once if they are "${words}"`, async () => {
        for (const answers of [say(notOk(words)), say(ok("guid"), notOk(words))]) {
          const { questions } = await withAnswers(answers, async (explorer) => {
            expect(await explorer.verify(SUBMISSION)).to.equal(words);
          });
          expect(questions).to.have.length(answers.length);
        }
      });
    }

    for (const [what, answers] of [
      ["compiles without end", say(ok("guid"), notOk("Pending in queue"))],
      ["never indexes the contract", say(notOk("Unable to locate ContractCode at 0x01"))],
      ["is busy without end", say(notOk("Max rate limit reached"))],
    ] as const) {
      it(`gives up after five minutes, and says so, if the explorer ${what}`, async () => {
        const last = (answers.at(-1)?.body as { result: string }).result;
        const { times } = await withAnswers(answers, async (explorer, clock) => {
          await expect(explorer.verify(SUBMISSION)).to.be.rejectedWith(
            ExplorerTimeoutError,
            `the explorer has no answer after 5 minutes, and says "${last}": run the same command again later`,
          );
          expect(clock.now()).to.be.within(PATIENCE - 10_000, PATIENCE);
        });
        expect(times.length).to.be.within(50, 62);
      });
    }
  });

  it("never sends more requests a second than Etherscan's free tier allows", async () => {
    const { times } = await withAnswers(say(ok([{ SourceCode: "" }])), async (explorer) => {
      for (let i = 0; i < 20; ++i) await explorer.isVerified("0x01");
    });
    expect(times).to.have.length(20);
    for (const from of times) {
      expect(times.filter((time) => time >= from && time < from + 1_000)).to.have.length.at.most(FREE_TIER);
    }
  });

  it("rejects an answer with an HTTP error at once, without the key in the message", async () => {
    const { questions } = await withAnswers([{ status: 403, body: ok([]) }], async (explorer) => {
      await expect(explorer.isVerified("0x01")).to.be.rejectedWith(/^http:[^?]* answered with status 403$/);
    });
    expect(questions).to.have.length(1);
  });

  it("rejects what is no JSON, and says what it may be", async () => {
    await withAnswers(say("<html></html>"), async (explorer) => {
      await expect(explorer.isVerified("0x01")).to.be.rejectedWith(
        /^http:[^?]* did not answer with JSON: is it the address of an explorer's API\?$/,
      );
    });
  });
});
