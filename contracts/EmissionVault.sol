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
    /* CONSTANTS */

    /// @inheritdoc IEmissionVault
    uint256 public constant RESERVE = SupplySchedule.RESERVE;

    /* IMMUTABLES */

    /// @inheritdoc IEmissionVault
    ITFT public immutable TFT;
    /// @inheritdoc IEmissionVault
    address public immutable CONTROLLER;

    /* STORAGE */

    /// @inheritdoc IEmissionVault
    uint256 public released;

    /* CONSTRUCTOR */

    constructor(System memory system) {
        TFT = ITFT(system.tft);
        CONTROLLER = system.controller;

        uint256 balance = TFT.balanceOf(address(this));
        if (balance < RESERVE) revert Vault_ReserveMissing(balance, RESERVE);
    }

    /* RELEASING */

    /// @inheritdoc IEmissionVault
    function release() external returns (uint256 amount) {
        if (msg.sender != CONTROLLER) revert Vault_NotController(msg.sender);

        uint256 entitlement = SupplySchedule.entitlement(TFT.burned());
        amount = entitlement - released;
        if (amount == 0) return 0;

        released = entitlement;
        emit Released(amount, entitlement);

        TFT.transfer(CONTROLLER, amount);
    }

    /* VIEWS */

    /// @inheritdoc IEmissionVault
    function remaining() external view returns (uint256) {
        return RESERVE - released;
    }
}
