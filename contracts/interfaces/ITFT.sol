// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @notice TFT minted at genesis.
/// @param holder Who receives it.
/// @param amount TFT, 18 decimals.
struct Allocation {
    address holder;
    uint256 amount;
}

/// @title ITFT
/// @notice The Turing Fog Token: minted once, burned down to its ultimate supply, and nothing else.
/// It has no owner, no mint function, no pause, no hook and no fee.
interface ITFT is IERC20, IERC20Permit {
    /// @notice Indicates that genesis allocates something else than the nominal supply.
    error TFT_AllocationsDoNotSum(uint256 allocated, uint256 nominalSupply);
    /// @notice Indicates a burn by someone who is not the controller.
    error TFT_NotController(address caller);
    /// @notice Indicates a burn that would leave less than the ultimate supply.
    error TFT_BelowUltimateSupply(uint256 remaining, uint256 ultimateSupply);

    /// @notice 1,000,000,000 TFT, minted at genesis.
    function NOMINAL_SUPPLY() external view returns (uint256);

    /// @notice 100,000,000 TFT, below which nothing is ever burned.
    function ULTIMATE_SUPPLY() external view returns (uint256);

    /// @notice The only account that can burn.
    function CONTROLLER() external view returns (address);

    /// @notice All that was ever burned: the nominal supply less the total supply.
    function burned() external view returns (uint256);

    /// @notice Burns from the controller's own balance.
    ///
    /// @dev Emits {Transfer} to the zero address.
    ///
    /// Requirements:
    /// - The caller is the controller.
    /// - The ultimate supply remains.
    ///
    /// @param amount TFT, 18 decimals.
    function burn(uint256 amount) external;
}
