// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ITFT } from "./ITFT.sol";

/// @title IEmissionVault
/// @notice Holds the production-mining reserve from genesis and pays out of it what the burned supply entitles to.
/// It takes no amount and trusts no caller's figure, so even a broken controller cannot release ahead of burning.
interface IEmissionVault {
    /// @notice Indicates that the vault does not hold the reserve at its deployment.
    error Vault_ReserveMissing(uint256 balance, uint256 reserve);
    /// @notice Indicates a release by someone who is not the controller.
    error Vault_NotController(address caller);

    /// @notice Emitted when TFT leave the reserve.
    /// @param amount TFT paid to the controller.
    /// @param released All that was ever released, this amount included.
    event Released(uint256 amount, uint256 released);

    /// @notice 350,000,000 TFT, held from genesis.
    function RESERVE() external view returns (uint256);

    /// @notice The token.
    function TFT() external view returns (ITFT);

    /// @notice The only account that can release, and the one that is paid.
    function CONTROLLER() external view returns (address);

    /// @notice All that was ever released.
    function released() external view returns (uint256);

    /// @notice What is left of the reserve.
    function remaining() external view returns (uint256);

    /// @notice Pays the controller min(RESERVE, ⌊0.8 · burned⌋) less what was released before.
    ///
    /// @dev Emits {Released} and {IERC20-Transfer}.
    ///
    /// Notes:
    /// - Pays nothing, and reverts nothing, when nothing was burned since.
    ///
    /// Requirements:
    /// - The caller is the controller.
    ///
    /// @return amount TFT paid, 18 decimals.
    function release() external returns (uint256 amount);
}
