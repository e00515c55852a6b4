// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IEmissionVault } from "./interfaces/IEmissionVault.sol";
import { System } from "./interfaces/IGenesis.sol";
import { ITFT } from "./interfaces/ITFT.sol";
import { SupplySchedule } from "./libraries/SupplySchedule.sol";

/// @title EmissionVault
/// @notice See {IEmissionVault}.
/// @custom:security-contact security@turingfog.example
contract EmissionVault is IEmissionVault {
    /// @dev All that a release reads and writes. Paying the treasury with each release would cost 8,800 gas more, for
    /// the balance and the event of its own and for a slot of the share.
    struct Account {
        uint128 released; // slot 0
        uint112 operationsOwed;
        uint16 operationsShare;
    }

    /* CONSTANTS */

    /// @inheritdoc IEmissionVault
    uint256 public constant RESERVE = SupplySchedule.RESERVE;

    /// @inheritdoc IEmissionVault
    uint16 public constant MAX_OPERATIONS_SHARE = 2_000;

    uint256 private constant BASIS_POINTS = 10_000;

    /* IMMUTABLES */

    /// @inheritdoc IEmissionVault
    address public immutable GOVERNOR;
    /// @inheritdoc IEmissionVault
    ITFT public immutable TFT;
    /// @inheritdoc IEmissionVault
    address public immutable ORACLE;
    /// @inheritdoc IEmissionVault
    address public immutable REGISTRY;
    /// @inheritdoc IEmissionVault
    address public immutable POOL;
    /// @inheritdoc IEmissionVault
    address public immutable CONTROLLER;
    /// @inheritdoc IEmissionVault
    address public immutable ESCROW;

    /* STORAGE */

    Account private _account;

    /// @inheritdoc IEmissionVault
    address public operationsTreasury;

    /* CONSTRUCTOR */

    constructor(System memory system, address treasury, uint16 share) {
        GOVERNOR = system.governor;
        TFT = ITFT(system.tft);
        ORACLE = system.oracle;
        REGISTRY = system.registry;
        POOL = system.pool;
        CONTROLLER = system.controller;
        ESCROW = system.escrow;

        _setOperations(treasury, share);
    }

    /* RELEASING */

    /// @inheritdoc IEmissionVault
    function release() external returns (uint256 amount, uint256 operations) {
        if (msg.sender != CONTROLLER) revert Vault_NotController(msg.sender);

        Account memory account = _account;
        uint256 entitlement = SupplySchedule.entitlement(TFT.burned());
        amount = entitlement - account.released;
        if (amount == 0) return (0, 0);
        operations = (amount * account.operationsShare) / BASIS_POINTS;

        account.released = uint128(entitlement); // at most RESERVE, as is what is owed
        account.operationsOwed += uint112(operations);
        _account = account;
        emit Released(amount, operations, entitlement);

        TFT.transfer(POOL, amount - operations);
    }

    /* OPERATIONS */

    /// @inheritdoc IEmissionVault
    function payOperations() external returns (uint256 amount) {
        amount = _account.operationsOwed;
        address treasury = operationsTreasury;

        _account.operationsOwed = 0;
        emit OperationsPaid(treasury, amount);

        TFT.transfer(treasury, amount);
    }

    /* GOVERNANCE */

    /// @inheritdoc IEmissionVault
    function setOperations(address treasury, uint16 share) external {
        if (msg.sender != GOVERNOR) revert Vault_NotGovernor(msg.sender);
        _setOperations(treasury, share);
    }

    function _setOperations(address treasury, uint16 share) private {
        if (
            treasury == address(0) ||
            treasury == address(this) ||
            treasury == address(TFT) ||
            treasury == ORACLE ||
            treasury == REGISTRY ||
            treasury == POOL ||
            treasury == CONTROLLER ||
            treasury == ESCROW
        ) revert Vault_InvalidTreasury(treasury);
        if (share > MAX_OPERATIONS_SHARE) revert Vault_ShareTooHigh(share, MAX_OPERATIONS_SHARE);

        emit OperationsSet(operationsTreasury, _account.operationsShare, treasury, share);
        operationsTreasury = treasury;
        _account.operationsShare = share;
    }

    /* VIEWS */

    /// @inheritdoc IEmissionVault
    function released() external view returns (uint256) {
        return _account.released;
    }

    /// @inheritdoc IEmissionVault
    function remaining() external view returns (uint256) {
        return RESERVE - _account.released;
    }

    /// @inheritdoc IEmissionVault
    function operationsOwed() external view returns (uint256) {
        return _account.operationsOwed;
    }

    /// @inheritdoc IEmissionVault
    function operationsShare() external view returns (uint16) {
        return _account.operationsShare;
    }
}
