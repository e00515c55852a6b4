// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice Where the life of the token stands.
/// @custom:value0 ProductionMining Everything bought back is burned, 80 % of it leaves the reserve.
/// @custom:value1 BuybackDistribution Half of what is bought back is burned, half is distributed.
/// @custom:value2 Mature Everything bought back is distributed; burning has stopped for good.
enum Phase {
    ProductionMining,
    BuybackDistribution,
    Mature
}

/// @title SupplySchedule
/// @notice The one statement of the supply rule. Everything follows from `burned = NOMINAL_SUPPLY − totalSupply`.
/// All amounts are TFT with 18 decimals.
/// @custom:security-contact security@turingfog.example
library SupplySchedule {
    using Math for uint256;

    /// @dev Minted once, at genesis.
    uint256 internal constant NOMINAL_SUPPLY = 1_000_000_000e18;

    /// @dev Burning stops here for good.
    uint256 internal constant ULTIMATE_SUPPLY = 100_000_000e18;

    /// @dev The production-mining reserve: what the nominal supply exceeds the 650 M upper limit in circulation by.
    uint256 internal constant RESERVE = 350_000_000e18;

    /// @dev 80 % of what is burned leaves the reserve.
    uint256 internal constant RELEASE_NUMERATOR = 4;
    uint256 internal constant RELEASE_DENOMINATOR = 5;

    /// @dev Burned when the reserve is empty: 437.5 M.
    uint256 internal constant PRODUCTION_MINING_END = (RESERVE * RELEASE_DENOMINATOR) / RELEASE_NUMERATOR;

    /// @dev Burned when the supply has reached its floor: 900 M.
    uint256 internal constant BURNING_END = NOMINAL_SUPPLY - ULTIMATE_SUPPLY;

    /// @notice The phase in which the next unit bought back falls.
    /// @param burned All that was ever burned.
    function phase(uint256 burned) internal pure returns (Phase) {
        if (burned < PRODUCTION_MINING_END) return Phase.ProductionMining;
        return burned < BURNING_END ? Phase.BuybackDistribution : Phase.Mature;
    }

    /// @notice All that `burned` entitles to out of the reserve: min(RESERVE, ⌊0.8 · burned⌋).
    /// @param burned All that was ever burned.
    function entitlement(uint256 burned) internal pure returns (uint256) {
        return Math.min(RESERVE, (burned * RELEASE_NUMERATOR) / RELEASE_DENOMINATOR);
    }

    /// @notice Splits an amount bought back over the phases it falls in; it may cross one boundary or both.
    ///
    /// - b1 = min(bought, PRODUCTION_MINING_END − burned), burned in ProductionMining
    /// - rest = bought − b1
    /// - b2 = min(⌈rest / 2⌉, BURNING_END − burned − b1), burned in BuybackDistribution
    /// - distributed = rest − b2
    ///
    /// where both differences saturate at 0.
    /// @param bought The amount bought back.
    /// @param burned All that was burned before.
    /// @return b1 Burned, entitling to a release.
    /// @return b2 Burned, entitling to none.
    /// @return distributed Left for the miners.
    function split(uint256 bought, uint256 burned) internal pure returns (uint256 b1, uint256 b2, uint256 distributed) {
        b1 = bought.min(PRODUCTION_MINING_END.saturatingSub(burned));
        uint256 rest = bought - b1;
        b2 = rest.ceilDiv(2).min(BURNING_END.saturatingSub(burned + b1));
        distributed = rest - b2;
    }
}
