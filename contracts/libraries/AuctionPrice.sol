// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { exp2 } from "@prb/math/src/Common.sol";

/// @title AuctionPrice
/// @notice The Dutch auction's price curve and the rule by which its reference price follows the market.
/// Prices are TFT (18 decimals) per whole unit of the asset sold.
/// @custom:security-contact security@turingfog.example
library AuctionPrice {
    using Math for uint256;

    /// @dev A lot opens at 2^13 = 8,192 times its reference price.
    uint256 internal constant OPENING_DOUBLINGS = 13;

    /// @dev Halvings in the opening, the first twelfth of a period: from 8,192 r to 8 r.
    uint256 internal constant OPENING_HALVINGS = 10;
    uint256 internal constant OPENING_PARTS = 12;

    /// @dev Halvings from there to the period's end, from 8 r to r / 4, and in each period after it.
    uint256 internal constant FIRST_PERIOD_HALVINGS = 5;
    uint256 internal constant LATER_PERIOD_HALVINGS = 4;

    /// @dev A reference price is at least a billion base units, so that every step of it is finer than a billionth, and
    /// never exceeds the whole nominal supply for one unit of an asset.
    uint256 internal constant MIN_REFERENCE = 1e9;
    uint256 internal constant MAX_REFERENCE = 1_000_000_000e18;

    /// @dev Proceeds from which a lot moves the reference by all that it says.
    uint256 internal constant FULL_PROCEEDS = 1_000e18;

    /// @dev From here on the price is below one unit: 2^(13 − 128) · MAX_REFERENCE < 1.
    uint256 private constant NEGLIGIBLE_HALVINGS = 128;

    /// @notice Returns the price of a lot: 8,192 r · 2^(−h), rounded down, and 0 from 128 halvings on. h counts the
    /// halvings so far:
    ///
    /// - h = 10 · 12 · age in the opening, from 8,192 r to 8 r
    /// - h = 10 + 5 · (12 · age − 1) / 11 from there to the period's end, from 8 r to r / 4
    /// - h = 15 + 4 · (age − 1) after it, without end
    ///
    /// @param referencePrice The reference price r, at most MAX_REFERENCE.
    /// @param elapsed Seconds since the lot's clock started.
    /// @param period Length of a period in seconds; age = elapsed / period.
    function priceAt(uint256 referencePrice, uint256 elapsed, uint256 period) internal pure returns (uint256) {
        // in twelfths of a second, so that the opening ends on a whole number whatever the period
        uint256 inPeriod = elapsed.min(period) * OPENING_PARTS;
        uint256 opening = inPeriod.min(period);
        uint256 beyond = elapsed.saturatingSub(period);

        // over one denominator, so that it is rounded once; 64 binary decimals, as exp2 takes them
        uint256 rest = OPENING_PARTS - 1;
        uint256 weighted = rest * OPENING_HALVINGS * opening + FIRST_PERIOD_HALVINGS * (inPeriod - opening);
        weighted += rest * LATER_PERIOD_HALVINGS * beyond;
        uint256 halvings = (weighted << 64) / (rest * period);
        if (halvings >= NEGLIGIBLE_HALVINGS << 64) return 0;

        // 2^(128 − h) is at least 1, so exp2 keeps its 18 decimals; they and the 128 doublings are taken off again
        uint256 power = exp2((NEGLIGIBLE_HALVINGS << 64) - halvings);
        return referencePrice.mulDiv(power << OPENING_DOUBLINGS, 1e18 << NEGLIGIBLE_HALVINGS);
    }

    /// @notice Returns the reference price after a lot was sold out. It moves towards the lot's volume-weighted average
    /// price v by the part of FULL_PROCEEDS that the lot brought:
    ///
    /// - t = v, but at least ⌈r / 2⌉ and at most 2 r, from MIN_REFERENCE to MAX_REFERENCE
    /// - step = ⌈|t − r| · min(proceeds, FULL_PROCEEDS) / FULL_PROCEEDS⌉
    ///
    /// The step is rounded towards v, so that no reference is stuck below one that moves, and never passes t.
    /// @param referencePrice The reference price before, r, within its bounds.
    /// @param proceeds TFT that the whole lot brought.
    /// @param amount The lot's size in base units of the asset.
    /// @param wholeUnit Base units in one whole unit of the asset.
    function nextReference(
        uint256 referencePrice,
        uint256 proceeds,
        uint256 amount,
        uint256 wholeUnit
    ) internal pure returns (uint256) {
        uint256 lowest = referencePrice.ceilDiv(2).max(MIN_REFERENCE);
        uint256 highest = (referencePrice * 2).min(MAX_REFERENCE);
        uint256 target = proceeds.mulDiv(wholeUnit, amount).max(lowest).min(highest);

        uint256 weight = proceeds.min(FULL_PROCEEDS);
        if (target > referencePrice)
            return referencePrice + ((target - referencePrice) * weight).ceilDiv(FULL_PROCEEDS);
        return referencePrice - ((referencePrice - target) * weight).ceilDiv(FULL_PROCEEDS);
    }
}
