// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SupplySchedule } from "contracts/libraries/SupplySchedule.sol";

/// @title VaultShareProperties
/// @notice The one product of two unknowns in the vault, and its casts, each by itself.
/// @custom:security-contact security@turingfog.example
contract VaultShareProperties {
    /// @notice A share of at most 2,000 basis points of a release is at most a fifth of it.
    function shareIsAtMostAFifth(uint256 amount, uint16 share) external pure {
        require(amount <= SupplySchedule.RESERVE && share <= 2_000);
        assert((amount * share) / 10_000 <= amount / 5);
    }

    /// @notice What was released fits its 128 bits.
    function releasedFits(uint256 burned) external pure {
        require(burned <= SupplySchedule.NOMINAL_SUPPLY);
        assert(SupplySchedule.entitlement(burned) <= type(uint128).max);
    }

    /// @notice What operations get of a release fits 112 bits.
    function operationsFit(uint256 amount, uint16 share) external pure {
        require(amount <= SupplySchedule.RESERVE && share <= 2_000);
        assert((amount * share) / 10_000 <= type(uint112).max);
    }

    /// @notice What operations are owed, and get on top, fits 112 bits.
    function owedFits(uint256 owed, uint256 released, uint256 amount, uint16 share) external pure {
        require(owed <= released && released <= SupplySchedule.RESERVE);
        require(amount <= SupplySchedule.RESERVE && share <= 2_000);
        assert(owed + (amount * share) / 10_000 <= type(uint112).max);
    }

    /// @notice The product behind a share of a release fits 256 bits.
    function shareProductFits(uint256 amount, uint16 share) external pure {
        require(amount <= SupplySchedule.RESERVE && share <= 2_000);
        assert(share == 0 || amount <= type(uint256).max / share);
    }

    /// @notice False: a share of at most 2,000 basis points of a release is at most a sixth of it.
    function canaryShareIsAtMostASixth(uint256 amount, uint16 share) external pure {
        require(amount <= SupplySchedule.RESERVE && share <= 2_000);
        assert((amount * share) / 10_000 <= amount / 6);
    }

    /// @notice False: what was released fits 88 bits.
    function canaryReleasedFitsLess(uint256 burned) external pure {
        require(burned <= SupplySchedule.NOMINAL_SUPPLY);
        assert(SupplySchedule.entitlement(burned) < 2 ** 88);
    }
}
