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

    /// @dev A lot opens at 2^3 = 8 times its reference price.
    uint256 internal constant OPENING_DOUBLINGS = 3;

    /// @dev Halvings in the first period, from 8 r to r / 4, and in each period after it.
    uint256 internal constant FIRST_PERIOD_HALVINGS = 5;
    uint256 internal constant LATER_PERIOD_HALVINGS = 8;

    /// @dev A reference price never exceeds the whole nominal supply for one unit of an asset.
    uint256 internal constant MAX_REFERENCE = 1_000_000_000e18;

    /// @dev A lot that brought less says nothing about the market, and costs too little to be believed.
    uint256 internal constant MIN_PROCEEDS = 1_000e18;

    /// @dev From here on the price is below one unit: 2^(3 − 128) · MAX_REFERENCE < 1.
    uint256 private constant NEGLIGIBLE_HALVINGS = 128;

    /// @notice The price of a lot: 8 r · 2^(−h), rounded down, where h counts the halvings so far:
    ///
    /// - h = 5 · age in the first period, so that the price falls from 8 r to r / 4
    /// - h = 5 + 8 · (age − 1) after it, without end
    ///
    /// @param referencePrice The reference price r, at most MAX_REFERENCE.
    /// @param elapsed Seconds since the lot's clock started.
    /// @param period Length of a period in seconds; age = elapsed / period.
    function priceAt(uint256 referencePrice, uint256 elapsed, uint256 period) internal pure returns (uint256) {
        uint256 early = elapsed.min(period);
        uint256 late = elapsed - early;

        // 64 binary decimals, as exp2 takes them
        uint256 halvings = ((FIRST_PERIOD_HALVINGS * early + LATER_PERIOD_HALVINGS * late) << 64) / period;
        if (halvings >= NEGLIGIBLE_HALVINGS << 64) return 0;

        // 2^(128 − h) is at least 1, so exp2 keeps its 18 decimals; they and the 128 doublings are taken off again
        uint256 power = exp2((NEGLIGIBLE_HALVINGS << 64) - halvings);
        return referencePrice.mulDiv(power << OPENING_DOUBLINGS, 1e18 << NEGLIGIBLE_HALVINGS);
    }

    /// @notice The reference price after a lot was sold out: its volume-weighted average price, but at most double and
    /// at least half of the one before, and unchanged when the lot brought less than MIN_PROCEEDS.
    /// @param referencePrice The reference price before.
    /// @param proceeds TFT that the whole lot brought.
    /// @param amount The lot's size in base units of the asset.
    /// @param wholeUnit Base units in one whole unit of the asset.
    function nextReference(
        uint256 referencePrice,
        uint256 proceeds,
        uint256 amount,
        uint256 wholeUnit
    ) internal pure returns (uint256) {
        if (proceeds < MIN_PROCEEDS) return referencePrice;
        uint256 average = proceeds.mulDiv(wholeUnit, amount);
        return average.max(referencePrice.ceilDiv(2)).min(referencePrice * 2).min(MAX_REFERENCE);
    }
}
