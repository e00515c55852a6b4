// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a miner earned in one of the latest rounds of an asset, in one word: displaced << 160 | round << 128 |
/// amount. The amount is 0 once claimed. `displaced` is the last round that found an unclaimed amount here, so that
/// what the miner earned in it is kept elsewhere.
type RoundWeight is uint256;

using { amount, isOf, isFreeFor, add, claimed, displacing } for RoundWeight global;

function toRoundWeight(uint256 round, uint256 amount_) pure returns (RoundWeight) {
    return RoundWeight.wrap((round << 128) | amount_);
}

function amount(RoundWeight weight) pure returns (uint256) {
    return uint128(RoundWeight.unwrap(weight));
}

/// @notice Whether it is the weight of a round.
function isOf(RoundWeight weight, uint256 round) pure returns (bool) {
    return uint32(RoundWeight.unwrap(weight) >> 128) == round;
}

/// @notice Whether a round can take it over: it is claimed, and the round has no weight elsewhere.
function isFreeFor(RoundWeight weight, uint256 round) pure returns (bool) {
    return amount(weight) == 0 && RoundWeight.unwrap(weight) >> 160 != round;
}

/// @param amount_ Which with the amount that is there is below 2^128.
function add(RoundWeight weight, uint256 amount_) pure returns (RoundWeight) {
    return RoundWeight.wrap(RoundWeight.unwrap(weight) + amount_);
}

/// @notice Returns it with nothing left, but with its round, so that the slot stays above zero.
function claimed(RoundWeight weight) pure returns (RoundWeight) {
    return RoundWeight.wrap((RoundWeight.unwrap(weight) >> 128) << 128);
}

/// @notice Returns it with the round that has weight elsewhere.
function displacing(RoundWeight weight, uint256 round) pure returns (RoundWeight) {
    return RoundWeight.wrap((round << 160) | uint160(RoundWeight.unwrap(weight)));
}
