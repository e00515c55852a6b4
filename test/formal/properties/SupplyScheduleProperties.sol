// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Phase, SupplySchedule } from "contracts/libraries/SupplySchedule.sol";

/// @title SupplyScheduleProperties
/// @notice What the shipped supply library promises, for every amount and every burned supply.
/// @custom:security-contact security@turingfog.example
contract SupplyScheduleProperties {
    /// @notice b1 + b2 + distributed = bought.
    function splitIsExact(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
        require(b1 <= bought && b2 <= bought && distributed <= bought);
        assert(b1 + (b2 + distributed) == bought);
    }

    /// @notice No part of a split exceeds the whole.
    function splitPartsAreWithinTheWhole(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
        assert(b1 <= bought && b2 <= bought && distributed <= bought);
    }

    /// @notice Burned never passes 900 M: the ultimate supply stays.
    function splitLeavesTheUltimateSupply(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, ) = SupplySchedule.split(bought, burned);
        assert(burned + b1 + b2 <= SupplySchedule.BURNING_END);
    }

    /// @notice What falls in production mining is burned whole, and nothing of it distributed.
    function splitBurnsAllInProductionMining(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.PRODUCTION_MINING_END);
        require(bought <= SupplySchedule.PRODUCTION_MINING_END - burned);
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
        assert(b1 == bought && b2 == 0 && distributed == 0);
    }

    /// @notice What passes the end of production mining is split over it to the unit: b1 goes up to 437.5 M exactly.
    function splitFillsProductionMiningFirst(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.PRODUCTION_MINING_END);
        require(bought > SupplySchedule.PRODUCTION_MINING_END - burned);
        (uint256 b1, , ) = SupplySchedule.split(bought, burned);
        assert(burned + b1 == SupplySchedule.PRODUCTION_MINING_END);
    }

    /// @notice In buyback and distribution half is burned, rounded up, unless the floor is reached.
    function splitBurnsHalfInBuybackDistribution(uint256 bought, uint256 burned) external pure {
        require(burned >= SupplySchedule.PRODUCTION_MINING_END && burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
        require(burned + b2 < SupplySchedule.BURNING_END);
        assert(b1 == 0 && (b2 == distributed || b2 - distributed == 1));
    }

    /// @notice Once mature, everything is distributed.
    function splitBurnsNothingWhenMature(uint256 bought) external pure {
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, SupplySchedule.BURNING_END);
        assert(b1 == 0 && b2 == 0 && distributed == bought);
    }

    /// @notice Whoever buys more burns no less.
    function splitBurnsNoLessOfMore(uint256 less, uint256 more, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END && less <= more);
        (uint256 a1, uint256 a2, ) = SupplySchedule.split(less, burned);
        (uint256 b1, uint256 b2, ) = SupplySchedule.split(more, burned);
        assert(a1 + a2 <= b1 + b2);
    }

    /// @notice Phases only go forward as the burned supply grows.
    function phaseNeverGoesBack(uint256 before, uint256 later) external pure {
        require(before <= later);
        assert(uint256(SupplySchedule.phase(before)) <= uint256(SupplySchedule.phase(later)));
    }

    /// @notice The phase is mature exactly when nothing is burned any more.
    function phaseIsMatureWhenBurningEnds(uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, ) = SupplySchedule.split(1, burned);
        assert((SupplySchedule.phase(burned) == Phase.Mature) == (b1 + b2 == 0));
    }

    /// @notice What may be released is at most 80 % of what was burned, and at most the reserve.
    function entitlementIsNeverAheadOfBurning(uint256 burned) external pure {
        require(burned <= SupplySchedule.NOMINAL_SUPPLY);
        uint256 entitlement = SupplySchedule.entitlement(burned);
        assert(entitlement * 5 <= burned * 4 && entitlement <= SupplySchedule.RESERVE);
    }

    /// @notice What may be released is less than one unit behind 80 % of what was burned, until it is the whole reserve.
    function entitlementIsWithinAUnit(uint256 burned) external pure {
        require(burned <= SupplySchedule.NOMINAL_SUPPLY);
        uint256 entitlement = SupplySchedule.entitlement(burned);
        assert(entitlement == SupplySchedule.RESERVE || burned * 4 - entitlement * 5 < 5);
    }

    /// @notice The reserve is empty exactly from the end of production mining on.
    function entitlementIsWholeFromTheEndOfProductionMining(uint256 burned) external pure {
        require(burned <= SupplySchedule.NOMINAL_SUPPLY);
        bool whole = SupplySchedule.entitlement(burned) == SupplySchedule.RESERVE;
        assert(whole == (SupplySchedule.phase(burned) != Phase.ProductionMining));
    }

    /// @notice What may be released never falls.
    function entitlementNeverFalls(uint256 before, uint256 later) external pure {
        require(before <= later && later <= SupplySchedule.NOMINAL_SUPPLY);
        assert(SupplySchedule.entitlement(before) <= SupplySchedule.entitlement(later));
    }

    /// @notice Total supply less the reserve never rises: what a destruction releases is less than what it burns.
    function circulatingNeverRises(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, ) = SupplySchedule.split(bought, burned);
        uint256 released = SupplySchedule.entitlement(burned + b1 + b2) - SupplySchedule.entitlement(burned);
        assert(released <= b1 + b2);
    }

    /// @notice All that a destruction gives back, to whomever, is at most ⌈0.8 · b1⌉ + rest − b2.
    function destructionGivesBackNoMoreThanItsPart(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END && bought <= type(uint128).max);
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
        uint256 released = SupplySchedule.entitlement(burned + b1 + b2) - SupplySchedule.entitlement(burned);
        assert(released + distributed <= (b1 * 4 + 4) / 5 + (bought - b1) - b2);
    }

    /// @notice Once b1 is zero, nothing is released.
    function nothingIsReleasedWithoutProductionMining(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, ) = SupplySchedule.split(bought, burned);
        require(b1 == 0);
        assert(SupplySchedule.entitlement(burned + b2) == SupplySchedule.entitlement(burned));
    }

    /// @notice False: no split both burns whole and burns half.
    function canarySplitCrossesNoBoundary(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, ) = SupplySchedule.split(bought, burned);
        assert(b1 == 0 || b2 == 0);
    }

    /// @notice False: every split burns at least half.
    function canarySplitBurnsHalfAtLeast(uint256 bought, uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        (uint256 b1, uint256 b2, uint256 distributed) = SupplySchedule.split(bought, burned);
        assert(b1 + b2 >= distributed);
    }

    /// @notice False: the token never matures.
    function canaryPhaseIsNeverMature(uint256 burned) external pure {
        require(burned <= SupplySchedule.BURNING_END);
        assert(SupplySchedule.phase(burned) != Phase.Mature);
    }

    /// @notice False: the reserve is never empty.
    function canaryEntitlementIsNeverWhole(uint256 burned) external pure {
        require(burned <= SupplySchedule.NOMINAL_SUPPLY);
        assert(SupplySchedule.entitlement(burned) != SupplySchedule.RESERVE);
    }

    /// @notice False: a destruction over the end of production mining releases nothing.
    function canaryNothingIsReleasedOverTheEnd(uint256 bought, uint256 burned) external pure {
        require(burned < SupplySchedule.PRODUCTION_MINING_END);
        (uint256 b1, uint256 b2, ) = SupplySchedule.split(bought, burned);
        require(b2 != 0);
        assert(SupplySchedule.entitlement(burned + b1 + b2) == SupplySchedule.entitlement(burned));
    }
}
