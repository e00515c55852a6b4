import { TuringFogError } from "./errors.js";

/** A token that stands for one US dollar. */
export interface Stablecoin {
  symbol: string;
  address: string;
  decimals: number;
}

/** A state of a block in which it is taken to stay. */
export interface Finality {
  /** Tag by which nodes know the last block in that state. */
  tag: "finalized" | "safe" | "latest";
  /** Seconds that it usually takes, at most. */
  takes: number;
}

/** Publicly known facts about a chain. */
export interface Chain {
  title: string;
  /** Symbol of the chain's own coin, of 18 decimals, in which fees are paid. */
  currency: string;
  /** Chain id; undefined for a local node, which may have any. */
  chainId?: number;
  /** Block explorer: the address of its pages and that of its API. */
  explorer?: { url: string; api: string };
  /** Stablecoins that their maker issues on the chain itself, not bridged ones. */
  stablecoins: Stablecoin[];
  /** SwapRouter02 of Uniswap v3, which tells its factory: for some chains two of them are published. */
  uniswapRouter?: string;
  /** Seconds between two blocks. */
  blockTime: number;
  finality: Finality;
  /** Seconds after which a waiting transaction is replaced by one that pays more. */
  patience: number;
  /**
   * Day since which `blockTime` and `finality` are known to hold: that of the upgrade which set them, or of the last look;
   * undefined for a local node.
   */
  since?: string;
  /** Predeploy of the OP Stack that computes what a transaction pays for its data on L1, in addition to its gas. */
  l1FeeOracle?: string;
}

// All of Etherscan's explorers share one API, which takes the chain id as a parameter.
// https://docs.etherscan.io/etherscan-v2
const ETHERSCAN_API = "https://api.etherscan.io/v2/api";

// https://github.com/ethereum-optimism/specs/blob/main/specs/protocol/predeploys.md#gaspriceoracle
const OP_GAS_PRICE_ORACLE = "0x420000000000000000000000000000000000000F";

// The router has the same address on every chain that Uniswap deployed to before 2022.
const UNISWAP_2021 = "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45";

const LOCAL = { currency: "ETH", blockTime: 1, finality: { tag: "latest", takes: 0 }, patience: 5 } as const;

const usdc = (address: string): Stablecoin => ({ symbol: "USDC", address, decimals: 6 });

/**
 * The supported chains, by the name that commands take.
 *
 * Sources, looked up in November 2026:
 * - chain id, currency and explorer: https://github.com/ethereum-lists/chains, `_data/chains/eip155-ID.json`
 * - USDC: Circle, https://developers.circle.com/stablecoins/usdc-contract-addresses
 * - DAI: Maker's chain log, https://chainlog.makerdao.com, MCD_DAI
 * - Uniswap: https://docs.uniswap.org/contracts/v3/reference/deployments, and `@uniswap/sdk-core` 7.7.2
 * - block time: Ethereum's slots of 12 s; Arbitrum, https://docs.arbitrum.io/how-arbitrum-works/inside-arbitrum-nitro (250 ms);
 *   OP, https://docs.optimism.io/stack/differences (2 s); Base, https://docs.base.org/base-chain/specs/upgrades/denim/overview
 *   (200 ms)
 * - finality: Ethereum's two to three epochs of 6.4 min; Arbitrum,
 *   https://docs.arbitrum.io/how-arbitrum-works/reference/finality-and-reorgs; OP Stack,
 *   https://docs.optimism.io/op-stack/transactions/transaction-finality (20 to 30 min). Testnets are taken by `safe`.
 *
 * To add a chain, add its row; see docs/networks.md.
 */
export const CHAINS: Record<string, Chain> = {
  ethereum: {
    title: "Ethereum",
    currency: "ETH",
    chainId: 1,
    explorer: { url: "https://etherscan.io", api: ETHERSCAN_API },
    stablecoins: [
      usdc("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
      { symbol: "DAI", address: "0x6B175474E89094C44Da98b954EedeAC495271d0F", decimals: 18 },
    ],
    uniswapRouter: UNISWAP_2021,
    blockTime: 12,
    finality: { tag: "finalized", takes: 1_200 },
    patience: 60,
    since: "2022-09-15",
  },
  sepolia: {
    title: "Sepolia",
    currency: "ETH",
    chainId: 11_155_111,
    explorer: { url: "https://sepolia.etherscan.io", api: ETHERSCAN_API },
    stablecoins: [usdc("0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238")],
    uniswapRouter: "0x3bFA4769FB09eefC5a80d6E87c3B9C650f7Ae48E",
    blockTime: 12,
    finality: { tag: "safe", takes: 900 },
    patience: 60,
    since: "2022-07-06",
  },
  arbitrum: {
    title: "Arbitrum One",
    currency: "ETH",
    chainId: 42_161,
    explorer: { url: "https://arbiscan.io", api: ETHERSCAN_API },
    stablecoins: [usdc("0xaf88d065e77c8cC2239327C5EDb3A432268e5831")],
    uniswapRouter: UNISWAP_2021,
    blockTime: 0.25,
    finality: { tag: "finalized", takes: 1_800 },
    patience: 30,
    since: "2026-11-29",
  },
  arbitrumSepolia: {
    title: "Arbitrum Sepolia",
    currency: "ETH",
    chainId: 421_614,
    explorer: { url: "https://sepolia.arbiscan.io", api: ETHERSCAN_API },
    stablecoins: [usdc("0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d")],
    uniswapRouter: "0x101F443B4d1b059569D643917553c771E1b9663E",
    blockTime: 0.25,
    finality: { tag: "safe", takes: 1_800 },
    patience: 30,
    since: "2026-11-29",
  },
  base: {
    title: "Base",
    currency: "ETH",
    chainId: 8_453,
    explorer: { url: "https://basescan.org", api: ETHERSCAN_API },
    stablecoins: [usdc("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")],
    uniswapRouter: "0x2626664c2603336E57B271c5C0b26F421741e481",
    blockTime: 0.2,
    finality: { tag: "finalized", takes: 1_800 },
    patience: 30,
    since: "2026-11-05",
    l1FeeOracle: OP_GAS_PRICE_ORACLE,
  },
  baseSepolia: {
    title: "Base Sepolia",
    currency: "ETH",
    chainId: 84_532,
    explorer: { url: "https://sepolia.basescan.org", api: ETHERSCAN_API },
    stablecoins: [usdc("0x036CbD53842c5426634e7929541eC2318f3dCF7e")],
    uniswapRouter: "0x94cC0AaC535CCDB3C01d6787D6413C739ae12bc4",
    blockTime: 0.2,
    finality: { tag: "safe", takes: 1_800 },
    patience: 30,
    since: "2026-10-21",
    l1FeeOracle: OP_GAS_PRICE_ORACLE,
  },
  optimism: {
    title: "OP Mainnet",
    currency: "ETH",
    chainId: 10,
    explorer: { url: "https://optimistic.etherscan.io", api: ETHERSCAN_API },
    stablecoins: [usdc("0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85")],
    uniswapRouter: UNISWAP_2021,
    blockTime: 2,
    finality: { tag: "finalized", takes: 1_800 },
    patience: 30,
    since: "2023-06-06",
    l1FeeOracle: OP_GAS_PRICE_ORACLE,
  },
  optimismSepolia: {
    title: "OP Sepolia",
    currency: "ETH",
    chainId: 11_155_420,
    explorer: { url: "https://sepolia-optimism.etherscan.io", api: ETHERSCAN_API },
    stablecoins: [usdc("0x5fd84259d66Cd46123540766Be93DFE6D43130D7")],
    uniswapRouter: "0x94cC0AaC535CCDB3C01d6787D6413C739ae12bc4",
    blockTime: 2,
    finality: { tag: "safe", takes: 1_800 },
    patience: 30,
    since: "2026-11-29",
    l1FeeOracle: OP_GAS_PRICE_ORACLE,
  },
  localhost: { title: "a local node", ...LOCAL, stablecoins: [] },
  hardhat: { title: "Hardhat's network, in process", ...LOCAL, stablecoins: [] },
};

/** Thrown when a name is not one of {@link CHAINS}. */
export class UnknownChainError extends TuringFogError {
  constructor(readonly chain: string) {
    super(`Unknown chain ${chain}: must be one of ${Object.keys(CHAINS).join(", ")}`);
  }
}

/**
 * Returns the facts about a chain.
 * @throws UnknownChainError
 */
export function chainNamed(name: string): Chain {
  if (!Object.hasOwn(CHAINS, name)) throw new UnknownChainError(name);
  return CHAINS[name];
}

/** Returns the address of an explorer's page on a transaction or an account; undefined if the chain has no explorer. */
export function explorerPage(
  { explorer }: Pick<Chain, "explorer">,
  kind: "tx" | "address",
  id: string,
): string | undefined {
  return explorer && `${explorer.url}/${kind}/${id}`;
}

/** URL at which a local node listens unless told otherwise. */
export const LOCAL_RPC_URL = "http://127.0.0.1:8545";

/**
 * Returns the name of the environment variable that holds a chain's RPC URL: ARBITRUM_SEPOLIA_RPC_URL for
 * arbitrumSepolia.
 */
export function rpcVariable(name: string): string {
  return `${name.replace(/[A-Z]/g, "_$&").toUpperCase()}_RPC_URL`;
}
