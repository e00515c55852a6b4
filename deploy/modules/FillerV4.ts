import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/**
 * Deploys the auction filler on Uniswap v4. The parameters are `controller` and `poolManager`, the PoolManager whose
 * pools the filler trusts.
 */
export default buildModule("FillerV4", (m) => ({
  filler: m.contract("UniswapV4BuybackFiller", [m.getParameter("controller"), m.getParameter("poolManager")]),
}));
