// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// @notice Any function that does not fall and stays below its value at 128, seen at two places: a step at any place
/// between any heights, as in the stand-in for mulDiv.
function exp2(uint256 x) view returns (uint256) {
    (uint256 step, uint256 low, uint256 high) = (block.number, block.timestamp, block.gaslimit);
    require(low <= high && high <= 2 ** 128 * 1e18);
    return x <= step ? low : high;
}
