import { loadFixture, setCode } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, TU } from "@turingfog/sdk";
import {
  ContractOwnerError,
  findPermitDomain,
  NoPermitError,
  type OrderRequest,
  PermitRefusedError,
  TuringFog,
  UnknownDomainError,
} from "@turingfog/sdk/ethers";
import { expect } from "chai";
import {
  AbiCoder,
  concat,
  Contract,
  id,
  Interface,
  type InterfaceAbi,
  makeError,
  toBeHex,
  type TypedDataDomain,
  TypedDataEncoder,
  VoidSigner,
  Wallet,
} from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { type Answer, overlay } from "./helpers/overlay";
import { deployAToken, deployUNI, deployUSDC, deployWETH, listToken } from "./helpers/realTokens";

const CHAIN_ID = 31_337n;
const UNIT_PRICE = 5_000_000n;
const DAI_TYPEHASH = "0xea2aa0a1be11a07ed86d755c93467f4f82362b452371d1ba94d1715123511acb";
const TOKEN = new Interface([
  "function eip712Domain()",
  "function name()",
  "function version()",
  "function nonces(address)",
  "function DOMAIN_SEPARATOR()",
  "function PERMIT_TYPEHASH()",
]);

async function connect() {
  const protocol = await deployProtocolFixture();
  const { deployer, renters } = protocol.actors;
  const [renter] = renters;
  const tokens = {
    usdc: await deployUSDC(deployer, renter.address),
    uni: await deployUNI(deployer, renter.address),
    aToken: await deployAToken(deployer, renter.address),
    weth: await deployWETH(deployer, renter),
  };
  for (const token of Object.values(tokens)) await listToken(protocol, await token.getAddress());
  const fog = new TuringFog(protocol.addresses, ethers.provider).connect(renter);
  return { ...protocol, fog, renter, tokens };
}

async function request(token: Contract | string): Promise<OrderRequest> {
  const asset = typeof token === "string" ? token : await token.getAddress();
  return { asset, tuAmount: TU, maxUnitPrice: UNIT_PRICE, duration: DAY };
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail("it was not rejected"),
    (error: unknown) => error as Error,
  );
}

/** The call of a getter without arguments, and what it answers. */
function getter(name: string, types: readonly string[], ...values: unknown[]): Answer {
  return { call: TOKEN.encodeFunctionData(name), returns: AbiCoder.defaultAbiCoder().encode(types, values) };
}

/** A contract that answers some getters, and on every other call has no more than a word for it. */
async function answering(answers: (address: string) => Answer[], implementation?: string): Promise<Contract> {
  const { address } = Wallet.createRandom();
  await setCode(address, overlay(answers(address), implementation));
  return new Contract(address, [] as InterfaceAbi, ethers.provider);
}

const separator = (domain: TypedDataDomain) =>
  getter("DOMAIN_SEPARATOR", ["bytes32"], TypedDataEncoder.hashDomain(domain));

describe("permits", () => {
  describe("of real tokens", () => {
    const domains = [
      ["usdc", "USD Coin", "2"],
      ["aToken", "Aave Ethereum USDC", "1"],
      ["uni", "Uniswap", undefined],
    ] as const;
    for (const [token, name, version] of domains) {
      it(`open an order in ${name}, whose domain has ${version === undefined ? "no version" : `version ${version}`}`, async () => {
        const { fog, contracts, tokens } = await loadFixture(connect);
        const verifyingContract = await tokens[token].getAddress();
        const domain = { name, ...(version && { version }), chainId: CHAIN_ID, verifyingContract };
        expect(await findPermitDomain(tokens[token])).to.deep.equal(domain);
        const { orderId } = await fog.openOrderWithPermit(await request(tokens[token]));
        expect((await contracts.escrow.order(orderId)).deposit).to.equal(UNIT_PRICE);
      });
    }

    it("are refused for WETH, which takes any call for a deposit", async () => {
      const { fog, tokens, contracts } = await loadFixture(connect);
      const error = await rejection(fog.openOrderWithPermit(await request(tokens.weth)));
      expect(error).to.be.instanceOf(NoPermitError).with.property("takes", "none");
      const [asset, escrow] = [await tokens.weth.getAddress(), await contracts.escrow.getAddress()];
      expect(error.message).to.equal(
        `${asset} takes no ERC-2612 permit: it has no nonces(). Approve ${escrow} for the amount, then call openOrder`,
      );
    });

    it("are refused with the token's own reason", async () => {
      const { fog, tokens } = await loadFixture(connect);
      const late = await rejection(fog.openOrderWithPermit(await request(tokens.usdc), { deadline: 1n }));
      expect(late).to.be.instanceOf(PermitRefusedError);
      expect(late).to.have.property("reason", "FiatTokenV2: permit is expired");

      const domain = { ...(await findPermitDomain(tokens.uni)), version: "1" };
      const wrong = await rejection(fog.openOrderWithPermit(await request(tokens.uni), { domain }));
      expect(wrong).to.have.property("reason", "Uni::permit: unauthorized");
      expect(wrong.message).to.match(/refuses the permit of 0x\w{40}: Uni::permit: unauthorized\. Approve 0x/);
    });

    it("are refused for a delegated account whose code USDC asks in place of the key", async () => {
      const { fog, renter, tokens, contracts } = await loadFixture(connect);
      const target = await contracts.usd.getAddress();
      await setCode(renter.address, concat(["0xef0100", target]));
      const error = await rejection(fog.openOrderWithPermit(await request(tokens.usdc)));
      expect(error).to.be.instanceOf(PermitRefusedError).with.property("reason", "EIP2612: invalid signature");
      expect(error.message).to.contain(`${renter.address} is an account delegated to ${target}`);
      // another token recovers the key
      await fog.openOrderWithPermit(await request(tokens.uni));
    });

    it("are refused for a contract wallet, with USDC's permit of bytes or an approval as the way out", async () => {
      const { fog, tokens, contracts } = await loadFixture(connect);
      const wallet = await contracts.pool.getAddress();
      const asWallet = fog.connect(new VoidSigner(wallet, ethers.provider));
      const inUSDC = await rejection(asWallet.openOrderWithPermit(await request(tokens.usdc)));
      expect(inUSDC).to.be.instanceOf(ContractOwnerError).with.property("takesBytes", true);
      expect(inUSDC.message).to.contain(
        "permit(address,address,uint256,uint256,bytes) with the wallet's ERC-1271 signature",
      );
      const inUNI = await rejection(asWallet.openOrderWithPermit(await request(tokens.uni)));
      expect(inUNI).to.be.instanceOf(ContractOwnerError).with.property("takesBytes", false);
      expect(inUNI.message).to.match(
        /^0x\w{40} is a contract of \d+ bytes, which cannot sign a permit of v, r and s\. Approve 0x\w{40} for the amount, then call openOrder$/,
      );
    });
  });

  describe("of other types", () => {
    it("are refused if they are DAI's, with an approval as the way out", async () => {
      const { fog } = await loadFixture(connect);
      const dai = await answering((address) => [
        getter("PERMIT_TYPEHASH", ["bytes32"], DAI_TYPEHASH),
        getter("name", ["string"], "Dai Stablecoin"),
        getter("version", ["string"], "1"),
        separator({ name: "Dai Stablecoin", version: "1", chainId: CHAIN_ID, verifyingContract: address }),
      ]);
      const error = await rejection(fog.openOrderWithPermit(await request(dai)));
      expect(error).to.be.instanceOf(NoPermitError).with.property("takes", "DAI's");
      expect(error.message).to.match(/takes DAI's permit, of holder, nonce, expiry and allowed\. Approve 0x\w{40} for/);
    });

    it("are refused if nothing is known of the type", async () => {
      const { fog } = await loadFixture(connect);
      const other = await answering(() => [getter("PERMIT_TYPEHASH", ["bytes32"], id("Permit(uint256 all)"))]);
      const error = await rejection(fog.openOrderWithPermit(await request(other)));
      expect(error).to.be.instanceOf(NoPermitError).with.property("takes", "another");
    });
  });

  describe("findPermitDomain", () => {
    const usual: [what: string, domain: TypedDataDomain, version?: string][] = [
      ["the version that the token tells", { name: "Token", version: "v7.1", chainId: CHAIN_ID }, "v7.1"],
      ["a usual version, though the token tells another", { name: "Token", version: "1", chainId: CHAIN_ID }, "5"],
      ["no chain", { name: "Token", version: "1" }],
      ["the chain as salt", { name: "Token", version: "1", salt: toBeHex(CHAIN_ID, 32) }],
      ["neither name nor version", { chainId: CHAIN_ID }],
    ];
    for (const [what, domain, version] of usual) {
      it(`finds a domain with ${what}`, async () => {
        await loadFixture(connect);
        const token = await answering((verifyingContract) => [
          getter("name", ["string"], "Token"),
          ...(version === undefined ? [] : [getter("version", ["string"], version)]),
          separator({ ...domain, verifyingContract }),
        ]);
        expect(await findPermitDomain(token)).to.deep.equal({ ...domain, verifyingContract: token.target });
      });
    }

    it("passes over an eip712Domain() of four values", async () => {
      await loadFixture(connect);
      const domain = { name: "Liquid staked Ether 2.0", version: "2", chainId: CHAIN_ID };
      const types = ["string", "string", "uint256", "address"];
      const stETH = await answering((verifyingContract) => [
        getter("eip712Domain", types, domain.name, domain.version, CHAIN_ID, verifyingContract),
        getter("name", ["string"], domain.name),
        separator({ ...domain, verifyingContract }),
      ]);
      expect(await findPermitDomain(stETH)).to.deep.equal({ ...domain, verifyingContract: stETH.target });
    });

    const ERC5267 = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"];
    it("holds what eip712Domain() tells against the separator", async () => {
      await loadFixture(connect);
      const domain = { name: "Renamed", version: "1", chainId: CHAIN_ID };
      const token = await answering((verifyingContract) => [
        getter("eip712Domain", ERC5267, "0x0f", "Old name", "1", CHAIN_ID, verifyingContract, toBeHex(0, 32), []),
        getter("name", ["string"], domain.name),
        separator({ ...domain, verifyingContract }),
      ]);
      expect(await findPermitDomain(token)).to.deep.equal({ ...domain, verifyingContract: token.target });
    });

    it("takes what eip712Domain() tells if there is no separator", async () => {
      await loadFixture(connect);
      const domain = { name: "Own name", version: "8", chainId: CHAIN_ID };
      const token = await answering((verifyingContract) => [
        getter("eip712Domain", ERC5267, "0x0f", "Own name", "8", CHAIN_ID, verifyingContract, toBeHex(0, 32), []),
      ]);
      expect(await findPermitDomain(token)).to.deep.equal({ ...domain, verifyingContract: token.target });
    });

    it("finds the same domain by an address in any casing", async () => {
      await loadFixture(connect);
      const domain = { name: "Own name", version: "8", chainId: CHAIN_ID };
      const token = await answering((verifyingContract) => [
        getter("eip712Domain", ERC5267, "0x0f", "Own name", "8", CHAIN_ID, verifyingContract, toBeHex(0, 32), []),
      ]);
      const lower = new Contract((await token.getAddress()).toLowerCase(), [] as InterfaceAbi, token.runner);
      expect(await findPermitDomain(lower)).to.deep.equal({ ...domain, verifyingContract: token.target });
    });

    it("throws what a node says of itself, and does not take it for the token's silence", async () => {
      const { tokens } = await loadFixture(connect);
      const failure = makeError("missing revert data", "CALL_EXCEPTION", {
        action: "call",
        data: null,
        reason: null,
        invocation: null,
        revert: null,
        transaction: { to: null, data: "0x" },
        info: { error: { code: -32_005, message: "daily request count exceeded, request rate limited" } },
      });
      const runner = { provider: ethers.provider, call: () => Promise.reject(failure) };
      const token = new Contract(await tokens.usdc.getAddress(), [] as InterfaceAbi, runner);
      expect(await rejection(findPermitDomain(token))).to.equal(failure);
    });
  });

  it("need the domain from the caller if the token tells too little, and are signed under it", async () => {
    const protocol = await loadFixture(connect);
    const { fog, renter, contracts } = protocol;
    const silent = ["eip712Domain", "DOMAIN_SEPARATOR"].map((name) => ({
      call: TOKEN.encodeFunctionData(name),
      reverts: "0x",
    }));
    const token = await answering(() => silent, await contracts.usd.getAddress());
    await contracts.usd.attach(token).connect(renter).getFunction("mint")(renter.address, UNIT_PRICE);
    await listToken(protocol, await token.getAddress());

    const error = await rejection(fog.openOrderWithPermit(await request(token)));
    expect(error).to.be.instanceOf(UnknownDomainError);
    expect(error.message).to.contain("Pass the token's own as `domain`");
    const domain = {
      name: "USD Stablecoin",
      version: "1",
      chainId: CHAIN_ID,
      verifyingContract: await token.getAddress(),
    };
    const { orderId } = await fog.openOrderWithPermit(await request(token), { domain });
    expect((await contracts.escrow.order(orderId)).deposit).to.equal(UNIT_PRICE);
  });
});
