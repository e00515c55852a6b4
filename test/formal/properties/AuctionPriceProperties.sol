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

    /// @notice The price is never under ⌊r / 4⌋ in the first period, given that exp2(123) is 2^123.
    function priceIsAtLeastAQuarterInThePeriod(uint256 r, uint256 elapsed, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days && elapsed <= period);
        require(r <= AuctionPrice.MAX_REFERENCE);
        require(exp2(123 * 2 ** 64) == 2 ** 123 * 1e18);
        require(Math.mulDiv(r, 2 ** 126 * 1e18, 2 ** 128 * 1e18) == r / 4);
        assert(AuctionPrice.priceAt(r, elapsed, period) >= r / 4);
    }

    /// @notice The price is never above 8 r, given that exp2(128) is 2^128.
    function priceIsAtMostEightTimesTheReference(uint256 r, uint256 elapsed, uint256 period) external view {
        require(period >= 1 minutes && period <= 30 days && elapsed < 2 ** 40);
        require(r <= AuctionPrice.MAX_REFERENCE);
        require(exp2(128 * 2 ** 64) == 2 ** 128 * 1e18);
        require(Math.mulDiv(r, 2 ** 131 * 1e18, 2 ** 128 * 1e18) == 8 * r);
        assert(AuctionPrice.priceAt(r, elapsed, period) <= 8 * r);
    }

    /// @notice A lot moves the reference at most to double or half (rounded up), whatever it brought.
    function referenceMovesAtMostToDoubleOrHalf(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view {
        require(r <= AuctionPrice.MAX_REFERENCE);
        uint256 next = AuctionPrice.nextReference(r, proceeds, amount, unit);
        assert(next <= 2 * r && 2 * next >= r);
    }

    /// @notice The reference never exceeds its maximum, and is never 0.
    function referenceStaysInBounds(uint256 r, uint256 proceeds, uint256 amount, uint256 unit) external view {
        require(r != 0 && r <= AuctionPrice.MAX_REFERENCE);
        uint256 next = AuctionPrice.nextReference(r, proceeds, amount, unit);
        assert(next != 0 && next <= AuctionPrice.MAX_REFERENCE);
    }

    /// @notice A lot that brought less than 1,000 TFT leaves the reference where it was.
    function referenceIgnoresSmallLots(uint256 r, uint256 proceeds, uint256 amount, uint256 unit) external view {
        require(proceeds < 1_000e18);
        assert(AuctionPrice.nextReference(r, proceeds, amount, unit) == r);
    }
}
