import { setCode } from "@nomicfoundation/hardhat-network-helpers";
import { accountKindOf, describeAccountKind, readAccountKind } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { concat, getAddress } from "ethers";
import { ethers } from "hardhat";

const TARGET = getAddress("0x63c0c19a282a1b52b07dd5a65b58948a07dae32b");

describe("kinds of account", () => {
  const kinds = [
    ["no code as a plain account", "0x", { kind: "plain" }, "plain account without code"],
    [
      "an EIP-7702 delegation as an account delegated to its target",
      concat(["0xef0100", TARGET]),
      { kind: "delegated", to: TARGET },
      `account delegated to ${TARGET}`,
    ],
    [
      "a delegation with a byte too many as a contract",
      concat(["0xef0100", TARGET, "0x00"]),
      { kind: "contract", size: 24 },
      "contract of 24 bytes",
    ],
    [
      "other code of 23 bytes as a contract",
      concat(["0xef0101", TARGET]),
      { kind: "contract", size: 23 },
      "contract of 23 bytes",
    ],
  ] as const;
  for (const [title, code, kind, text] of kinds) {
    it(`tell ${title}`, () => {
      expect(accountKindOf(code)).to.deep.equal(kind);
      expect(describeAccountKind(kind)).to.equal(text);
    });
  }

  it("are read from the chain", async () => {
    const [someone] = await ethers.getSigners();
    expect(await readAccountKind(ethers.provider, someone.address)).to.deep.equal({ kind: "plain" });
    const account = ethers.Wallet.createRandom().address;
    await setCode(account, concat(["0xef0100", TARGET]));
    expect(await readAccountKind(ethers.provider, account)).to.deep.equal({ kind: "delegated", to: TARGET });
  });
});
