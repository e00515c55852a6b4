import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/**
 * Deploys the auction filler on Uniswap v3. The parameters are `controller` and `factory`, the factory whose pools the
 * filler trusts.
 */
export default buildModule("Filler", (m) => ({
  filler: m.contract("UniswapV3BuybackFiller", [m.getParameter("controller"), m.getParameter("factory")]),
}));
