// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Phase, SupplySchedule } from "../libraries/SupplySchedule.sol";

/// @title SupplyScheduleHarness
/// @notice Makes the library callable, one function at a time or whole histories at once.
/// @custom:security-contact security@turingfog.example
contract SupplyScheduleHarness {
    /// @notice Among the amounts of {replay}: the next one is a history's first.
    uint256 public constant RESTART = type(uint256).max;

    uint256 public constant NOMINAL_SUPPLY = SupplySchedule.NOMINAL_SUPPLY;
    uint256 public constant ULTIMATE_SUPPLY = SupplySchedule.ULTIMATE_SUPPLY;
    uint256 public constant RESERVE = SupplySchedule.RESERVE;
    uint256 public constant RELEASE_NUMERATOR = SupplySchedule.RELEASE_NUMERATOR;
    uint256 public constant RELEASE_DENOMINATOR = SupplySchedule.RELEASE_DENOMINATOR;
    uint256 public constant PRODUCTION_MINING_END = SupplySchedule.PRODUCTION_MINING_END;
    uint256 public constant BURNING_END = SupplySchedule.BURNING_END;

    function phase(uint256 burned) external pure returns (Phase) {
        return SupplySchedule.phase(burned);
    }

    function entitlement(uint256 burned) external pure returns (uint256) {
        return SupplySchedule.entitlement(burned);
    }

    function split(uint256 bought, uint256 burned) external pure returns (uint256 b1, uint256 b2, uint256 distributed) {
        return SupplySchedule.split(bought, burned);
    }

    /// @notice Destroys amounts one after the other, many histories in one call.
    /// @param amounts The amounts; RESTART begins a new history at genesis.
    /// @return steps Five numbers for each amount: b1, b2, distributed, entitlement and phase after it. Flat, because
    /// decoding structs by the ten thousand takes longer than everything else.
    function replay(uint256[] calldata amounts) external pure returns (uint256[] memory steps) {
        steps = new uint256[](amounts.length * 5);
        uint256 burned = 0;
        uint256 next = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 bought = amounts[i];
            if (bought == RESTART) {
                burned = 0;
                continue;
            }
            (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
            burned += b1 + b2;
            // an index stays far below 2^256
            unchecked {
                steps[next++] = b1;
                steps[next++] = b2;
                steps[next++] = distributed;
                steps[next++] = SupplySchedule.entitlement(burned);
                steps[next++] = uint256(SupplySchedule.phase(burned));
            }
        }
    }
}
