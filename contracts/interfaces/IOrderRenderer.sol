// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IComputeEscrow } from "./IComputeEscrow.sol";

/// @title IOrderRenderer
/// @notice Shows orders to wallets and markets.
interface IOrderRenderer {
    /// @notice Returns an open order's metadata, as ERC-721 has it: JSON with an SVG, both in the URI itself.
    ///
    /// @dev Notes:
    /// - Shown are TU bought and delivered, the price of one TU, the asset and the day (UTC) on which the order ends.
    /// - The asset goes by its symbol if that is 1 to 32 printable ASCII characters, and else by its address. A price
    ///   stands in base units if the asset does not tell its decimals.
    ///
    /// @dev Warning: anyone can give a token the symbol of another. The attributes have the address.
    ///
    /// Requirements:
    /// - The order is open.
    ///
    /// @param escrow Whose views tell the order.
    function tokenURI(IComputeEscrow escrow, uint256 orderId) external view returns (string memory);
}
