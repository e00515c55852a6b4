// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { AuctionPrice } from "contracts/libraries/AuctionPrice.sol";

/// @title AuctionExponentProperties
/// @notice About the exponent 128 − h of the shipped price, in 64 binary decimals, for every period from a minute to 30
/// days and every age below 2^40 seconds. exp2 and mulDiv let it through, times 2^13 for the opening.
/// @custom:security-contact security@turingfog.example
contract AuctionExponentProperties {
    uint256 private constant ONE = 2 ** 64;

    /// @notice The exponent starts at 128: a lot opens at 8,192 r.
    function exponentStartsAt128(uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days);
        assert(AuctionPrice.priceAt(1, 0, period) == 8_192 * 128 * ONE);
    }

    /// @notice The exponent is exactly 118 at a twelfth of a period that has whole ones: ten halvings, from 8,192 r to 8 r.
    function exponentIs118AfterTheOpening(uint256 twelfth) external pure {
        require(twelfth >= 5 seconds && twelfth <= 60 hours);
        assert(AuctionPrice.priceAt(1, twelfth, 12 * twelfth) == 8_192 * 118 * ONE);
    }

    /// @notice The exponent is exactly 113 at the end of the first period: five further halvings, from 8 r to r / 4.
    function exponentIs113AfterThePeriod(uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days);
        assert(AuctionPrice.priceAt(1, period, period) == 8_192 * 113 * ONE);
    }

    /// @notice The exponent is never under 113 in the first period.
    function exponentStaysAbove113InThePeriod(uint256 elapsed, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && elapsed <= period);
        assert(AuctionPrice.priceAt(1, elapsed, period) >= 8_192 * 113 * ONE);
    }

    /// @notice From one second to any later one the exponent falls by at least 2^44, or the price is 0 for good.
    function exponentFallsEverySecond(uint256 earlier, uint256 later, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && earlier < later && later < 2 ** 40);
        uint256 before = AuctionPrice.priceAt(1, earlier, period);
        uint256 then = AuctionPrice.priceAt(1, later, period);
        assert(then == 0 || before >= then + 8_192 * 2 ** 44);
    }

    /// @notice The exponent reaches 0 exactly at 29 periods and a quarter: before, only rounding makes a price 0, and from
    /// then on every price is.
    function priceIsCutToZeroInTheThirtiethPeriod(uint256 elapsed, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && elapsed < 2 ** 40);
        assert((AuctionPrice.priceAt(1, elapsed, period) == 0) == (4 * elapsed >= 117 * period));
    }

    /// @notice False: the exponent is never under 113.
    function canaryExponentStaysAbove113(uint256 elapsed, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && elapsed < 2 ** 40);
        assert(AuctionPrice.priceAt(1, elapsed, period) >= 8_192 * 113 * ONE);
    }

    /// @notice False: something is left of the exponent after a hundred periods.
    function canaryExponentIsNeverCutToZero(uint256 elapsed, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && elapsed < 2 ** 40 && elapsed > 100 * period);
        assert(AuctionPrice.priceAt(1, elapsed, period) != 0);
    }

    /// @notice False: between a second in the opening and one long after the end the exponent falls by 10 at most.
    function canaryExponentFallsByTenAtMost(uint256 earlier, uint256 later, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && earlier < period / 12);
        require(later > 100 * period && later < 2 ** 40);
        uint256 before = AuctionPrice.priceAt(1, earlier, period);
        assert(before <= AuctionPrice.priceAt(1, later, period) + 8_192 * 10 * ONE);
    }
}
