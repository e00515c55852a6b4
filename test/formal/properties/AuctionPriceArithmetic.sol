// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { AuctionPrice } from "contracts/libraries/AuctionPrice.sol";

/// @title AuctionPriceArithmetic
/// @custom:security-contact security@turingfog.example
contract AuctionPriceArithmetic {
    /// @notice Neither price nor next reference overflows, and no shift loses a bit, for every age below 2^40 seconds.
    function auctionNeverOverflows(
        uint256 r,
        uint256 elapsed,
        uint256 period,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view {
        require(period >= 1 minutes && period <= 30 days && elapsed < 2 ** 40);
        require(r >= AuctionPrice.MIN_REFERENCE && r <= AuctionPrice.MAX_REFERENCE);
        AuctionPrice.priceAt(r, elapsed, period);
        AuctionPrice.nextReference(r, proceeds, amount, unit);
    }

    /// @notice False: what rises in part, after a price that was cut to 0, is at most 1.
    function canaryReferenceOverflowsRising(
        uint256 r,
        uint256 elapsed,
        uint256 period,
        uint256 proceeds,
        uint256 unit
    ) external view returns (uint256) {
        require(period >= 1 minutes && period <= 30 days && elapsed > 100 * period && elapsed < 2 ** 40);
        require(r >= AuctionPrice.MIN_REFERENCE && r <= AuctionPrice.MAX_REFERENCE && proceeds < 1_000e18);
        require(AuctionPrice.priceAt(r, elapsed, period) == 0);
        uint256 next = AuctionPrice.nextReference(r, proceeds, 1, unit);
        require(next > r);
        return 2 ** 255 * next;
    }

    /// @notice False: what falls in part, after a price that is more than 0, is at most 1.
    function canaryReferenceOverflowsFalling(
        uint256 r,
        uint256 elapsed,
        uint256 period,
        uint256 proceeds,
        uint256 unit
    ) external view returns (uint256) {
        require(period >= 1 minutes && period <= 30 days && elapsed < period);
        require(r >= AuctionPrice.MIN_REFERENCE && r <= AuctionPrice.MAX_REFERENCE && proceeds < 1_000e18);
        require(AuctionPrice.priceAt(r, elapsed, period) > 0);
        uint256 next = AuctionPrice.nextReference(r, proceeds, 1, unit);
        require(next < r);
        return 2 ** 255 * next;
    }
}
