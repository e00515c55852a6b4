// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SupplySchedule } from "contracts/libraries/SupplySchedule.sol";

/// @title SupplyScheduleArithmetic
/// @custom:security-contact security@turingfog.example
contract SupplyScheduleArithmetic {
    /// @notice No sum, difference, product or quotient of the supply library overflows, for any amount bought.
    function supplyNeverOverflows(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.NOMINAL_SUPPLY);
        SupplySchedule.split(bought, burned);
        SupplySchedule.entitlement(burned);
        SupplySchedule.phase(burned);
    }
}
