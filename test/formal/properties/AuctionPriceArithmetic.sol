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
}
