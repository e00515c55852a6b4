import type { HardhatUserConfig } from "hardhat/config";

/** Of a node that runs in a process of its own, under a chain id that nothing in the repository knows. */
export const OTHER_CHAIN_ID = 424_242;

const config: HardhatUserConfig = {
  networks: {
    hardhat: { chainId: OTHER_CHAIN_ID, hardfork: "osaka", blockGasLimit: 16_777_216, loggingEnabled: false },
  },
};

export default config;
