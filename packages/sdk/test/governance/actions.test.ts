import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import {
  changesOf,
  connectContracts,
  decodeAction,
  diff,
  encodeAction,
  type GovernanceAction,
  type GovernedContracts,
  NothingChangesError,
  proposedChanges,
} from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { parseUnits, toBeHex } from "ethers";
import { ethers } from "hardhat";

import { checkedDeployment } from "../../../../test/helpers/checkedDeployment";
import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { impersonate } from "../../../../test/helpers/system";

const NEW_SIGNER = ethers.getAddress(toBeHex(1, 20));
const NEW_ACCOUNT = ethers.getAddress(toBeHex(2n ** 159n, 20));

async function governed(): Promise<Protocol & { governance: GovernedContracts; token: string }> {
  const protocol = await deployProtocolFixture();
  const { addresses } = await checkedDeployment(protocol);
  const token = await ethers.deployContract("TestToken", ["New Stablecoin", "NEW", 6]);
  return { ...protocol, governance: connectContracts(addresses, ethers.provider), token: await token.getAddress() };
}

/** Every action, with what it says of itself. */
function cases({ params, token, contracts }: Awaited<ReturnType<typeof governed>>): [GovernanceAction, string[]][] {
  const [leaving, ...staying] = params.signers;
  return [
    [
      { kind: "rotate-signers", signers: [NEW_SIGNER, ...staying], quorum: 4n },
      [
        "signer",
        `  - ${leaving}`,
        "  + none",
        "signer",
        "  - none",
        `  + ${NEW_SIGNER}`,
        "quorum",
        "  - 3 of 4",
        "  + 4 of 4",
        "signer set version",
        "  - 1",
        "  + 2",
        "roots, attestations and ratings still pending, and signatures not yet used",
        "  - valid",
        "  + expired",
      ],
    ],
    [{ kind: "replace-guardian", guardian: NEW_ACCOUNT }, ["guardian", `  - ${params.guardian}`, `  + ${NEW_ACCOUNT}`]],
    [
      { kind: "list-asset", asset: token, referencePrice: parseUnits("2.5", 18) },
      [
        `NEW at ${token}, 6 decimals`,
        "  - not listed for new orders",
        "  + listed",
        `NEW at ${token}, 6 decimals: first reference price`,
        "  - none",
        "  + 2.500000000000000000 TFT",
      ],
    ],
    [
      { kind: "delist-asset", asset: contracts.dai.target as string },
      [`DAI at ${contracts.dai.target as string}, 18 decimals`, "  - listed", "  + not listed for new orders"],
    ],
    [
      { kind: "set-operations", treasury: NEW_ACCOUNT, share: 250n },
      [
        "operations treasury",
        `  - ${params.operations.treasury}`,
        `  + ${NEW_ACCOUNT}`,
        "operations share of each release",
        "  - 10.0 %",
        "  + 2.5 %",
      ],
    ],
  ];
}

describe("governance actions", () => {
  describe("encodeAction", () => {
    it("does what changesOf says, when the timelock makes the call", async () => {
      const fixture = await loadFixture(governed);
      const { governance, contracts } = fixture;
      const timelock = await impersonate(contracts.timelock);
      for (const [action] of cases(fixture)) {
        const before = await changesOf(governance, action);
        const { to, data } = await encodeAction(governance, action);
        await timelock.sendTransaction({ to, data });

        // what was to come is now there: the same action again starts from it
        const told = (what: string) => before.filter((each) => each.what === what).map((each) => each.to);
        const { oracle, vault, escrow } = governance;
        switch (action.kind) {
          case "rotate-signers":
            expect([...(await oracle.signers())]).to.have.members(action.signers);
            expect([`${await oracle.quorum()} of 4`]).to.deep.equal(told("quorum"));
            expect([String(await oracle.signerSetVersion())]).to.deep.equal(told("signer set version"));
            break;
          case "replace-guardian":
            expect([await oracle.guardian()]).to.deep.equal(told("guardian"));
            break;
          case "list-asset":
            expect(await escrow.isListed(action.asset)).to.equal(true);
            break;
          case "delist-asset":
            expect(await escrow.isListed(action.asset)).to.equal(false);
            break;
          case "set-operations":
            expect([await vault.operationsTreasury()]).to.deep.equal(told("operations treasury"));
            expect(await vault.operationsShare()).to.equal(action.share);
            break;
        }
      }
    });

    it("hands the oracle its signers in ascending order, as whatever they were given", async () => {
      const { governance, params } = await loadFixture(governed);
      const signers = [...params.signers].reverse();
      const { to, data } = await encodeAction(governance, { kind: "rotate-signers", signers, quorum: 3n });
      expect(decodeAction(governance, { to, data })).to.deep.equal({
        kind: "rotate-signers",
        signers: params.signers,
        quorum: 3n,
      });
    });
  });

  describe("decodeAction", () => {
    it("reads every action back from its call", async () => {
      const fixture = await loadFixture(governed);
      for (const [action] of cases(fixture)) {
        const call = await encodeAction(fixture.governance, action);
        expect(decodeAction(fixture.governance, call)).to.deep.equal(action);
      }
    });

    it("reads nothing from another call, or from the call of another contract", async () => {
      const { governance, params } = await loadFixture(governed);
      const { oracle, timelock } = governance;
      const { data } = await encodeAction(governance, { kind: "replace-guardian", guardian: params.guardian });
      const veto = await oracle.veto.populateTransaction(toBeHex(1, 32));
      expect(decodeAction(governance, { to: timelock.target as string, data })).to.equal(null);
      expect(decodeAction(governance, veto)).to.equal(null);
    });
  });

  describe("changesOf", () => {
    it("tells what every action changes, as a diff", async () => {
      const fixture = await loadFixture(governed);
      for (const [action, lines] of cases(fixture)) {
        expect(diff(await changesOf(fixture.governance, action)).split("\n")).to.deep.equal(lines);
      }
    });

    it("leaves out of the diff what stays", async () => {
      const { governance, params } = await loadFixture(governed);
      const { treasury } = params.operations;
      const changes = await changesOf(governance, { kind: "set-operations", treasury, share: 0n });
      expect(diff(changes)).to.equal("operations share of each release\n  - 10.0 %\n  + 0.0 %");
    });

    it("says that signatures die when the same signers are set again", async () => {
      const { governance, params } = await loadFixture(governed);
      const { signers, quorum } = params;
      const changes = await changesOf(governance, { kind: "rotate-signers", signers, quorum });
      expect(changes.map(({ what }) => what)).to.deep.equal([
        "quorum",
        "signer set version",
        "roots, attestations and ratings still pending, and signatures not yet used",
      ]);
      expect(diff(changes)).to.not.contain("quorum");
    });

    it("has no price for an asset that is listed again", async () => {
      const { governance, token } = await loadFixture(governed);
      const changes = await changesOf(governance, { kind: "list-asset", asset: token, referencePrice: 0n });
      expect(changes).to.have.length(1);
    });

    it("tells of an address without a token what is unknown", async () => {
      const { governance } = await loadFixture(governed);
      const [change] = await changesOf(governance, { kind: "list-asset", asset: NEW_ACCOUNT, referencePrice: 1n });
      expect(change.what).to.equal(`? at ${NEW_ACCOUNT}, ? decimals`);
    });
  });

  describe("proposedChanges", () => {
    it("tells the changes of an action that changes something", async () => {
      const fixture = await loadFixture(governed);
      for (const [action] of cases(fixture)) {
        const changes = await changesOf(fixture.governance, action);
        expect(await proposedChanges(fixture.governance, action)).to.deep.equal(changes);
      }
    });

    it("refuses an action that changes nothing", async () => {
      const { governance, params, contracts, token } = await loadFixture(governed);
      const { treasury, share } = params.operations;
      const idle: GovernanceAction[] = [
        { kind: "replace-guardian", guardian: params.guardian },
        { kind: "list-asset", asset: contracts.usd.target as string, referencePrice: 0n },
        { kind: "delist-asset", asset: token },
        { kind: "set-operations", treasury, share },
      ];
      for (const action of idle) {
        const refusal: unknown = await proposedChanges(governance, action).catch((error: unknown) => error);
        expect(refusal).to.be.instanceOf(NothingChangesError);
        expect((refusal as Error).message).to.equal(`${action.kind} would change nothing: all of it is so already`);
      }
    });
  });
});
