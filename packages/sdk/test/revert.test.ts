import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { decodeRevert, RevertError, withRevertDecoded } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id, Interface, makeError, MaxUint256, ZeroAddress, ZeroHash } from "ethers";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import {
  ComputeEscrow__factory,
  Genesis__factory,
  NodeRegistry__factory,
  TimelockController__factory,
  TUReceiptOracle__factory,
  UniswapV3BuybackFiller__factory,
  UniswapV4BuybackFiller__factory,
} from "../../../typechain-types";

const ESCROW = ComputeEscrow__factory.createInterface();
const TOO_EARLY = ESCROW.encodeErrorResult("Escrow_TooEarly", [7n, 1_700_000_000n]);

describe("revert", () => {
  describe("decodeRevert", () => {
    it("finds nothing in what carries no revert data", () => {
      for (const thrown of [
        null,
        undefined,
        "0x",
        "refused",
        new Error("connection lost"),
        { data: null },
        { data: "0x12" },
      ]) {
        expect(decodeRevert(thrown)).to.equal(null);
      }
    });

    it("finds nothing in an error that none of the contracts declares", () => {
      const data = new Interface(["error Elsewhere(uint256)"]).encodeErrorResult("Elsewhere", [1n]);
      expect(decodeRevert({ data })).to.equal(null);
    });

    it("tells the error and its arguments, and keeps what was thrown", () => {
      const thrown = { data: TOO_EARLY };
      const error = decodeRevert(thrown)!;
      expect(error).to.be.instanceOf(RevertError);
      expect(error.message).to.equal("Escrow_TooEarly(7, 1700000000 = 2023-11-14T22:13:20Z)");
      expect(error.error).to.equal("Escrow_TooEarly");
      expect(error.args.toObject()).to.deep.equal({ orderId: 7n, closableFrom: 1_700_000_000n });
      expect(error.cause).to.equal(thrown);
    });

    it("finds the data wherever a provider or a library has wrapped it", () => {
      const transaction = { to: null, data: "0x12345678" };
      const info = {
        action: "call" as const,
        data: TOO_EARLY,
        reason: null,
        invocation: null,
        revert: null,
        transaction,
      };
      for (const thrown of [
        makeError("execution reverted", "CALL_EXCEPTION", info),
        { error: { code: 3, data: TOO_EARLY } },
        { info: { error: { code: 3, data: { data: TOO_EARLY } } } },
        new Error("sending failed", { cause: { data: TOO_EARLY } }),
      ]) {
        expect(decodeRevert(thrown)?.message).to.equal("Escrow_TooEarly(7, 1700000000 = 2023-11-14T22:13:20Z)");
      }
    });

    const known: [what: string, data: string, message: string][] = [
      [
        "genesis",
        Genesis__factory.createInterface().encodeErrorResult("Genesis_NotThePlan", [ZeroHash, id("plan")]),
        `Genesis_NotThePlan(${ZeroHash}, ${id("plan")})`,
      ],
      [
        "the timelock",
        TimelockController__factory.createInterface().encodeErrorResult("TimelockInsufficientDelay", [1n, 2n]),
        "TimelockInsufficientDelay(1, 2)",
      ],
      [
        "the filler",
        UniswapV3BuybackFiller__factory.createInterface().encodeErrorResult("Filler_ProfitTooLow", [1n, 2n]),
        "Filler_ProfitTooLow(1, 2)",
      ],
      [
        "the filler on Uniswap v4",
        UniswapV4BuybackFiller__factory.createInterface().encodeErrorResult("Filler_NoPool", [
          ZeroAddress,
          500n,
          10n,
          ZeroAddress,
        ]),
        `Filler_NoPool(${ZeroAddress}, 500, 10, ${ZeroAddress})`,
      ],
      [
        "the oracle, with the date of a time,",
        TUReceiptOracle__factory.createInterface().encodeErrorResult("Oracle_FreezeTooSoon", [1_798_761_600n]),
        "Oracle_FreezeTooSoon(1798761600 = 2027-01-01T00:00:00Z)",
      ],
      [
        "the registry, with a time too late for a date,",
        NodeRegistry__factory.createInterface().encodeErrorResult("Registry_ValidityOutOfBounds", [MaxUint256, 0n, 1n]),
        `Registry_ValidityOutOfBounds(${MaxUint256}, 0 = 1970-01-01T00:00:00Z, 1 = 1970-01-01T00:00:01Z)`,
      ],
      ["a require", new Interface(["error Error(string)"]).encodeErrorResult("Error", ["no"]), "Error(no)"],
      ["a panic", new Interface(["error Panic(uint256)"]).encodeErrorResult("Panic", [0x11n]), "Panic(17)"],
    ];
    for (const [what, data, message] of known) {
      it(`knows the errors of ${what}`, () => {
        expect(decodeRevert({ data })?.message).to.equal(message);
      });
    }

    it("understands what a refused call to each contract throws", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { address } = actors.stranger;
      const told = async (call: Promise<unknown>) => decodeRevert(await call.catch((error: unknown) => error))?.message;
      expect(await told(contracts.tft.connect(actors.stranger).burn(1n))).to.equal(`TFT_NotController(${address})`);
      expect(await told(contracts.vault.connect(actors.stranger).release())).to.equal(
        `Vault_NotController(${address})`,
      );
      expect(await told(contracts.oracle.connect(actors.stranger).freeze())).to.equal(`Oracle_NotGuardian(${address})`);
      const { registry, pool, controller, escrow } = contracts;
      expect(await told(registry.connect(actors.stranger).setPayout(9n, address))).to.equal(
        `Registry_NotNodeOwner(9, ${address})`,
      );
      expect(await told(pool.connect(actors.stranger).addReward(1n, 1n, true))).to.equal(
        `Pool_NotController(${address})`,
      );
      expect(await told(controller.price(address))).to.equal(`Controller_NoLot(${address})`);
      expect(await told(escrow.order(9n))).to.equal("Escrow_UnknownOrder(9)");
    });
  });

  describe("withRevertDecoded", () => {
    it("hands on what resolves", async () => {
      expect(await withRevertDecoded(Promise.resolve(7))).to.equal(7);
    });

    it("throws a contract's refusal as its error", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const error = await withRevertDecoded(contracts.escrow.order(9n)).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(RevertError);
    });

    it("throws anything else as it is", async () => {
      const lost = new Error("connection lost");
      expect(await withRevertDecoded(Promise.reject(lost)).catch((thrown: unknown) => thrown)).to.equal(lost);
    });
  });
});
