// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ITFT } from "./ITFT.sol";

/// @title IEmissionVault
/// @notice Holds the production-mining reserve from genesis and pays out of it what the burned supply entitles to.
/// It takes no amount and trusts no caller's figure, so even a broken controller cannot release ahead of burning.
/// Operations' share of each release is kept here until someone has it paid.
interface IEmissionVault {
    /* ERRORS */

    /// @notice Indicates a release by someone who is not the controller.
    error Vault_NotController(address caller);
    /// @notice Indicates a setting by someone who is not the governor.
    error Vault_NotGovernor(address caller);
    /// @notice Indicates an operations treasury that is zero or a contract of the protocol.
    error Vault_InvalidTreasury(address treasury);
    /// @notice Indicates a share of operations out of bounds, in basis points.
    error Vault_ShareTooHigh(uint256 share, uint256 maximum);

    /* EVENTS */

    /// @notice Emitted when TFT leave the reserve.
    /// @param amount TFT released; all but `operations` are paid to the reward pool.
    /// @param operations TFT of the amount that are kept for the operations treasury.
    /// @param released All that was ever released, this amount included.
    event Released(uint256 amount, uint256 operations, uint256 released);

    /// @notice Emitted when the operations treasury is paid, also if there is nothing to pay.
    event OperationsPaid(address indexed treasury, uint256 amount);

    /// @notice Emitted when the governor sets where operations are paid and how much. Shares are in basis points.
    event OperationsSet(address indexed oldTreasury, uint16 oldShare, address indexed newTreasury, uint16 newShare);

    /* IMMUTABLES AND SETTINGS */

    /// @notice 350,000,000 TFT, held from genesis.
    function RESERVE() external view returns (uint256);

    /// @notice The most that operations may get of a release: 2,000 basis points.
    function MAX_OPERATIONS_SHARE() external view returns (uint16);

    function GOVERNOR() external view returns (address);
    function TFT() external view returns (ITFT);
    function ORACLE() external view returns (address);
    function REGISTRY() external view returns (address);

    /// @notice Who is paid what is released to miners.
    function POOL() external view returns (address);

    /// @notice The only account that can release.
    function CONTROLLER() external view returns (address);

    function ESCROW() external view returns (address);

    /// @notice Where operations are paid.
    function operationsTreasury() external view returns (address);

    /// @notice Operations' share of each release, in basis points; they get nothing of any distribution.
    function operationsShare() external view returns (uint16);

    /* RELEASING */

    /// @notice Releases min(RESERVE, ⌊0.8 · burned⌋) less what was released before: operations' share is kept for them,
    /// the rest paid to the reward pool.
    ///
    /// @dev Emits {Released} and {IERC20-Transfer}.
    ///
    /// Notes:
    /// - Pays nothing, and reverts nothing, when nothing was burned since.
    ///
    /// Requirements:
    /// - The caller is the controller.
    ///
    /// @return amount TFT released, 18 decimals.
    /// @return operations ⌊amount · share⌋, kept for operations.
    function release() external returns (uint256 amount, uint256 operations);

    /* OPERATIONS */

    /// @notice Pays the operations treasury of the moment what it is owed. Anyone may call.
    ///
    /// @dev Emits {OperationsPaid} and {IERC20-Transfer}.
    ///
    /// @return amount TFT paid.
    function payOperations() external returns (uint256 amount);

    /* GOVERNANCE */

    /// @notice Sets where operations are paid, what is owed already included, and their share of later releases.
    /// Emits {OperationsSet}. Only the governor.
    /// @param treasury Not zero and not a contract of the protocol.
    /// @param share Basis points of each release, at most {MAX_OPERATIONS_SHARE}.
    function setOperations(address treasury, uint16 share) external;

    /* VIEWS */

    /// @notice All that was ever released.
    function released() external view returns (uint256);

    /// @notice What is left of the reserve.
    function remaining() external view returns (uint256);

    /// @notice TFT of past releases that operations have not been paid yet.
    function operationsOwed() external view returns (uint256);
}
