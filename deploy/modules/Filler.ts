import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/** The auction filler on Uniswap v3. Parameters: `controller`, and `factory`, whose pools it trusts. */
export default buildModule("Filler", (m) => ({
  filler: m.contract("UniswapV3BuybackFiller", [m.getParameter("controller"), m.getParameter("factory")]),
}));
