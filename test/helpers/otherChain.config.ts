import type { HardhatUserConfig } from "hardhat/config";

/** Of a node that runs in a process of its own, under a chain id that nothing in the repository knows. */
export const OTHER_CHAIN_ID = 424_242;

// a test may have a node under another id, as that of a public chain
const chainId = Number(process.env.OTHER_CHAIN_ID ?? OTHER_CHAIN_ID);

const config: HardhatUserConfig = {
  networks: {
    hardhat: { chainId, hardfork: "osaka", blockGasLimit: 16_777_216, loggingEnabled: false },
  },
};

export default config;
