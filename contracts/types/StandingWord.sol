// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A node's payout and attestation in one word: attestedUntil << 200 | attestedFrom << 160 | payout.
type StandingWord is uint256;

using { payout, covers } for StandingWord global;

function toStandingWord(address payout_, uint40 attestedFrom, uint40 attestedUntil) pure returns (StandingWord) {
    return StandingWord.wrap(uint160(payout_) | (uint256(attestedFrom) << 160) | (uint256(attestedUntil) << 200));
}

function payout(StandingWord standing) pure returns (address) {
    return address(uint160(StandingWord.unwrap(standing)));
}

/// @notice Whether the attestation lasts from `since` to `t`, both included.
function covers(StandingWord standing, uint256 since, uint256 t) pure returns (bool) {
    uint256 word = StandingWord.unwrap(standing);
    return since >= uint40(word >> 160) && t <= word >> 200;
}
