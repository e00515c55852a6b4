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

    /// @notice False: as many times what a split burns, releases and distributes fits 256 bits.
    function canarySupplyOverflows(uint256 bought, uint256 burned) external pure returns (uint256) {
        require(burned < SupplySchedule.PRODUCTION_MINING_END);
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
        require(b1 != 0 && b2 != 0 && distributed != 0);
        return 2 ** 255 * (b2 + SupplySchedule.entitlement(burned));
    }
}
