// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { AuctionPrice } from "contracts/libraries/AuctionPrice.sol";

/// @title AuctionExponentProperties
/// @notice About the exponent 128 − h of the shipped price, in 64 binary decimals, for every period from a minute to 30
/// days and every age below 2^40 seconds. exp2 and mulDiv let it through, times 8 for the opening.
/// @custom:security-contact security@turingfog.example
contract AuctionExponentProperties {
    uint256 private constant ONE = 2 ** 64;

    /// @notice The exponent starts at 128: a lot opens at 8 r.
    function exponentStartsAt128(uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days);
        assert(AuctionPrice.priceAt(1, 0, period) == 8 * 128 * ONE);
    }

    /// @notice The exponent is exactly 123 at the end of the first period: five halvings, from 8 r to r / 4.
    function exponentIs123AfterThePeriod(uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days);
        assert(AuctionPrice.priceAt(1, period, period) == 8 * 123 * ONE);
    }

    /// @notice The exponent is never under 123 in the first period.
    function exponentStaysAbove123InThePeriod(uint256 elapsed, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && elapsed <= period);
        assert(AuctionPrice.priceAt(1, elapsed, period) >= 8 * 123 * ONE);
    }

    /// @notice From one second to any later one the exponent falls by at least 2^44, or the price is 0 for good.
    function exponentFallsEverySecond(uint256 earlier, uint256 later, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && earlier < later && later < 2 ** 40);
        uint256 before = AuctionPrice.priceAt(1, earlier, period);
        uint256 then = AuctionPrice.priceAt(1, later, period);
        assert(then == 0 || before >= then + 8 * 2 ** 44);
    }

    /// @notice The price is 0 only after 123 further halvings: 15 periods and three eighths after the first.
    function priceIsZeroOnlyAfterSixteenPeriods(uint256 elapsed, uint256 period) external pure {
        require(period >= 1 minutes && period <= 30 days && elapsed <= 16 * period);
        assert(AuctionPrice.priceAt(1, elapsed, period) != 0);
    }
}
