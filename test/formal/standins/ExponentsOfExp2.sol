// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// @notice Lets the exponent through, so that a property can speak about it.
function exp2(uint256 x) pure returns (uint256) {
    return x;
}
