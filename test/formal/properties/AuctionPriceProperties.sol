// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { AuctionPrice } from "contracts/libraries/AuctionPrice.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { exp2 } from "@prb/math/src/Common.sol";

/// @title AuctionPriceProperties
/// @notice About the shipped price, whatever exp2 and mulDiv are, as long as neither falls when its argument grows: of
/// mulDiv by its definition, of exp2 as {exp2IsMonotone} computes over arguments as far apart as
/// {AuctionExponentProperties} proves those of two seconds to be.
/// @custom:security-contact security@turingfog.example
contract AuctionPriceProperties {
    /// @notice The price never rises with age.
    function priceNeverRises(uint256 r, uint256 earlier, uint256 later, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days && earlier < later && later < 2 ** 40);
        require(r <= AuctionPrice.MAX_REFERENCE);
        assert(AuctionPrice.priceAt(r, earlier, period) >= AuctionPrice.priceAt(r, later, period));
    }

    /// @notice The price opens at exactly 8,192 r, given that exp2(128) is 2^128.
    function priceOpensAt8192TimesTheReference(uint256 r, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days);
        require(r <= AuctionPrice.MAX_REFERENCE);
        require(exp2(128 * 2 ** 64) == 2 ** 128 * 1e18);
        require(Math.mulDiv(r, 2 ** 141 * 1e18, 2 ** 128 * 1e18) == 8_192 * r);
        assert(AuctionPrice.priceAt(r, 0, period) == 8_192 * r);
    }

    /// @notice The price is exactly 8 r at a twelfth of a period that has whole ones, given that exp2(118) is 2^118.
    function priceIsEightTimesTheReferenceAfterTheOpening(uint256 r, uint256 twelfth) external view {
        require(twelfth >= 5 seconds && twelfth <= 60 hours);
        require(r <= AuctionPrice.MAX_REFERENCE);
        require(exp2(118 * 2 ** 64) == 2 ** 118 * 1e18);
        require(Math.mulDiv(r, 2 ** 131 * 1e18, 2 ** 128 * 1e18) == 8 * r);
        assert(AuctionPrice.priceAt(r, twelfth, 12 * twelfth) == 8 * r);
    }

    /// @notice The price is exactly ⌊r / 4⌋ at the end of the first period, given that exp2(113) is 2^113.
    function priceIsAQuarterAfterThePeriod(uint256 r, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days);
        require(r <= AuctionPrice.MAX_REFERENCE);
        require(exp2(113 * 2 ** 64) == 2 ** 113 * 1e18);
        require(Math.mulDiv(r, 2 ** 126 * 1e18, 2 ** 128 * 1e18) == r / 4);
        assert(AuctionPrice.priceAt(r, period, period) == r / 4);
    }

    /// @notice The price is never under ⌊r / 4⌋ in the first period, given that exp2(113) is 2^113.
    function priceIsAtLeastAQuarterInThePeriod(uint256 r, uint256 elapsed, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days && elapsed <= period);
        require(r <= AuctionPrice.MAX_REFERENCE);
        require(exp2(113 * 2 ** 64) == 2 ** 113 * 1e18);
        require(Math.mulDiv(r, 2 ** 126 * 1e18, 2 ** 128 * 1e18) == r / 4);
        assert(AuctionPrice.priceAt(r, elapsed, period) >= r / 4);
    }

    /// @notice False: the price stays from the opening on.
    function canaryPriceNeverFalls(uint256 r, uint256 earlier, uint256 later, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days && earlier < later && later < period / 12);
        require(r <= AuctionPrice.MAX_REFERENCE);
        assert(AuctionPrice.priceAt(r, earlier, period) <= AuctionPrice.priceAt(r, later, period));
    }

    /// @notice False: the price stays from the end of the first period on.
    function canaryPriceNeverFallsAfterThePeriod(
        uint256 r,
        uint256 earlier,
        uint256 later,
        uint256 period
    ) external view {
        require(period >= 1 minutes && period <= 30 days && earlier > period && earlier < later && later < 20 * period);
        require(r <= AuctionPrice.MAX_REFERENCE);
        assert(AuctionPrice.priceAt(r, earlier, period) <= AuctionPrice.priceAt(r, later, period));
    }

    /// @notice False: something is left of the price after a hundred periods.
    function canaryPriceIsNeverCutToZero(uint256 r, uint256 earlier, uint256 later, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days && earlier < period);
        require(later > 100 * period && later < 2 ** 40 && r <= AuctionPrice.MAX_REFERENCE);
        require(AuctionPrice.priceAt(r, earlier, period) > 0);
        assert(AuctionPrice.priceAt(r, later, period) > 0);
    }
}
