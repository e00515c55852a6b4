import { Challenged, ChallengeError, HttpClient, openServer } from "@turingfog/network";
import { type Challenge, CHALLENGE_ANSWER, CHALLENGE_ROWS, meterDomain } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, Wallet } from "ethers";

import { LOG } from "../helpers/intake";
import { JOB_OF_TESTS } from "../helpers/jobs";

/** A size that no machine computes within a test, and one that each computes at once. */
const [HUGE, SMALL] = [16_384n, 64n];

const challenge = (name: string, size: bigint, seconds = 60n): Challenge => ({
  ...{ id: id(name), seed: id(`seed of ${name}`), size, seconds },
});

/** A node of 1 TU a day that takes challenges of any size unless told otherwise, and signers at one address. */
async function withNode(
  test: (bench: {
    answer: (signer: string, ...challenges: Challenge[]) => Promise<unknown>;
    /** Ids of the challenges whose roots have come. */
    answered: string[];
    pauses: boolean[];
    /** Has the signers refuse the next root. */
    refuseNext: () => void;
  }) => Promise<void>,
  { perTU = 10n ** 18n, seconds = 60n } = {},
): Promise<void> {
  const answered: string[] = [];
  let isRefusing = false;
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => {
    on.post("/v1/challenges/:id", ({ body }) => {
      if (isRefusing) {
        isRefusing = false;
        throw new Error("refused");
      }
      const { challenge } = CHALLENGE_ANSWER.decode(body as Buffer);
      answered.push(challenge);
      return CHALLENGE_ROWS.encode({ challenge, rows: [1n] });
    });
    on.post("/v1/challenges/:id/rows", () => ({}));
  });
  const client = new HttpClient();
  const pauses: boolean[] = [];
  const { port } = server.server.address() as { port: number };
  const challenged = new Challenged({
    ...{ client, meter: new Wallet(id("meter")), domain: meterDomain(31_337n, JOB_OF_TESTS.escrow) },
    limits: { perTU, work: 4n, seconds },
    ratePerDay: () => 10n ** 18n,
    pause: async (isPaused) => void pauses.push(isPaused),
    signal: new AbortController().signal,
  });
  const peer = (signer: string) => ({ signer, endpoint: `http://127.0.0.1:${port}` });
  try {
    const answer = (signer: string, ...challenges: Challenge[]) =>
      challenged.answer(peer(signer), challenges).catch((error: unknown) => error);
    await test({ answer, answered, pauses, refuseNext: () => (isRefusing = true) });
  } finally {
    client.close();
    await server.close();
  }
}

describe("Challenged", () => {
  it("answers one challenge of a signer at a time, and lets the run go on", async () => {
    await withNode(async ({ answer, answered, pauses }) => {
      expect(await answer("a", challenge("1", SMALL), challenge("2", SMALL))).to.equal(undefined);
      expect(answered).to.deep.equal([id("1")]);
      expect(pauses).to.deep.equal([true, false]);
    });
  });

  it("refuses a challenge that is larger than its rate allows, without a pause", async () => {
    await withNode(
      async ({ answer, pauses }) => {
        expect(String(await answer("a", challenge("1", 2n * SMALL)))).to.include(
          "larger than this node's rate allows: 64",
        );
        expect(pauses).to.deep.equal([]);
      },
      { perTU: 1n },
    );
  });

  it("ends at a challenge's time, does not begin with it again, and goes on to the signer's next", async () => {
    await withNode(async ({ answer, answered, pauses }) => {
      const [huge, small] = [challenge("1", HUGE, 1n), challenge("2", SMALL)];
      expect(await answer("a", huge, small)).to.be.instanceOf(ChallengeError);
      expect(pauses).to.deep.equal([true, false]);
      expect(await answer("a", huge, small)).to.equal(undefined);
      expect(answered).to.deep.equal([id("2")]);
    });
  });

  it("ends at the most time that it computes a challenge, and does not begin with it again", async () => {
    await withNode(
      async ({ answer, pauses }) => {
        const huge = challenge("1", HUGE);
        expect(await answer("a", huge)).to.be.instanceOf(ChallengeError);
        expect(await answer("a", huge)).to.equal(undefined);
        expect(pauses).to.deep.equal([true, false]);
      },
      { seconds: 1n },
    );
  });

  it("has time left for a challenge that waits for others, or for its signer to be back", async () => {
    await withNode(
      async ({ answer, answered, refuseNext }) => {
        refuseNext();
        expect(await answer("a", challenge("1", SMALL))).to.be.instanceOf(Error);
        expect(await answer("b", challenge("2", HUGE))).to.be.instanceOf(ChallengeError);
        expect(await answer("a", challenge("1", SMALL))).to.equal(undefined);
        expect(answered).to.deep.equal([id("1")]);
      },
      { seconds: 1n },
    );
  });

  it("lets the signer go first for which it has computed least", async () => {
    await withNode(async ({ answer, answered }) => {
      await answer("greedy", challenge("1", HUGE, 1n));
      await Promise.all([
        answer("third", challenge("2", SMALL)),
        answer("greedy", challenge("3", SMALL)),
        answer("modest", challenge("4", SMALL)),
      ]);
      expect(answered).to.deep.equal(["2", "4", "3"].map(id));
    });
  });
});
