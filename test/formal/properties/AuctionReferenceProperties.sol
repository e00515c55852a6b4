// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { AuctionPrice } from "contracts/libraries/AuctionPrice.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title AuctionReferenceProperties
/// @notice About the shipped rule by which the reference r follows a lot's average v, whatever mulDiv makes of v.
/// @custom:security-contact security@turingfog.example
contract AuctionReferenceProperties {
    modifier whenInBounds(uint256 r) {
        require(r >= AuctionPrice.MIN_REFERENCE && r <= AuctionPrice.MAX_REFERENCE);
        _;
    }

    /// @notice A lot moves the reference at most to double or half (rounded up), whatever it brought.
    function referenceMovesAtMostToDoubleOrHalf(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        uint256 next = AuctionPrice.nextReference(r, proceeds, amount, unit);
        assert(next <= 2 * r && 2 * next >= r);
    }

    /// @notice The reference stays within its bounds.
    function referenceStaysInBounds(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        uint256 next = AuctionPrice.nextReference(r, proceeds, amount, unit);
        assert(next >= AuctionPrice.MIN_REFERENCE && next <= AuctionPrice.MAX_REFERENCE);
    }

    /// @notice The reference moves towards the average and never passes it.
    function referenceNeverPassesTheAverage(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        uint256 average = Math.mulDiv(proceeds, unit, amount);
        uint256 next = AuctionPrice.nextReference(r, proceeds, amount, unit);
        assert(average >= r ? next >= r && next <= average : next <= r && next >= average);
    }

    /// @notice The reference moves whenever the average differs, unless the lot cost nothing or a bound is in the way.
    function referenceIsNowhereStuck(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        uint256 average = Math.mulDiv(proceeds, unit, amount);
        require(proceeds != 0);
        require(average > r ? r < AuctionPrice.MAX_REFERENCE : average < r && r > AuctionPrice.MIN_REFERENCE);
        assert(AuctionPrice.nextReference(r, proceeds, amount, unit) != r);
    }

    /// @notice A lot that cost nothing moves nothing.
    function referenceIgnoresLotsForNothing(uint256 r, uint256 amount, uint256 unit) external view whenInBounds(r) {
        assert(AuctionPrice.nextReference(r, 0, amount, unit) == r);
    }

    /// @notice From 1,000 TFT on the reference becomes the average, or the double, half or bound that it stops at.
    function referenceMovesAllTheWayFromFullProceeds(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        require(proceeds >= 1_000e18);
        uint256 average = Math.mulDiv(proceeds, unit, amount);
        uint256 next = AuctionPrice.nextReference(r, proceeds, amount, unit);
        if (average > r) assert(next == average || (next < average && (next == 2 * r || next == 1e27)));
        else assert(next == average || (next > average && (next == (r + 1) / 2 || next == 1e9)));
    }

    /// @notice False: a lot that brought less than 1,000 TFT never raises the reference.
    function canaryReferenceNeverRisesInPart(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        require(proceeds < 1_000e18);
        assert(AuctionPrice.nextReference(r, proceeds, amount, unit) <= r);
    }

    /// @notice False: a lot that brought less than 1,000 TFT never lowers the reference.
    function canaryReferenceNeverFallsInPart(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        require(proceeds < 1_000e18);
        assert(AuctionPrice.nextReference(r, proceeds, amount, unit) >= r);
    }

    /// @notice False: half of 1,000 TFT moves the reference up all the way.
    function canaryReferenceRisesAllTheWayFromHalf(
        uint256 r,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        uint256 average = Math.mulDiv(500e18, unit, amount);
        require(average > r && average < 2 * r);
        assert(AuctionPrice.nextReference(r, 500e18, amount, unit) == average);
    }

    /// @notice False: no lot doubles the reference.
    function canaryReferenceNeverDoubles(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        assert(AuctionPrice.nextReference(r, proceeds, amount, unit) < 2 * r);
    }

    /// @notice False: no lot halves the reference.
    function canaryReferenceNeverHalves(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        assert(2 * AuctionPrice.nextReference(r, proceeds, amount, unit) > r + 1);
    }

    /// @notice False: a lot that costs something always moves the reference.
    function canaryReferenceNeverStays(
        uint256 r,
        uint256 proceeds,
        uint256 amount,
        uint256 unit
    ) external view whenInBounds(r) {
        require(proceeds > 0);
        assert(AuctionPrice.nextReference(r, proceeds, amount, unit) != r);
    }
}
