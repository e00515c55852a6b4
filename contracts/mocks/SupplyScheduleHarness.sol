// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Phase, SupplySchedule } from "../libraries/SupplySchedule.sol";

/// @notice One destruction of a history, and where the supply stands after it.
struct Destruction {
    uint256 b1;
    uint256 b2;
    uint256 distributed;
    uint256 burned;
    uint256 entitlement;
    Phase phase;
}

/// @title SupplyScheduleHarness
/// @notice Makes the library callable, one function at a time or whole histories at once.
/// @custom:security-contact security@turingfog.example
contract SupplyScheduleHarness {
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

    function split(
        uint256 bought,
        uint256 burned
    ) external pure returns (uint256 b1, uint256 b2, uint256 distributed) {
        return SupplySchedule.split(bought, burned);
    }

    /// @notice Destroys the amounts of each history one after the other, each history from genesis.
    function replay(uint256[][] calldata histories) external pure returns (Destruction[][] memory results) {
        results = new Destruction[][](histories.length);
        for (uint256 i = 0; i < histories.length; ++i) results[i] = _replay(histories[i]);
    }

    function _replay(uint256[] calldata amounts) private pure returns (Destruction[] memory results) {
        results = new Destruction[](amounts.length);
        uint256 burned = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(amounts[i], burned);
            burned += b1 + b2;
            results[i] = Destruction({
                b1: b1,
                b2: b2,
                distributed: distributed,
                burned: burned,
                entitlement: SupplySchedule.entitlement(burned),
                phase: SupplySchedule.phase(burned)
            });
        }
    }
}
