// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title Math
/// @notice {mulDiv} is any function that does not fall when its second argument grows. Two values of such a function are
/// those of a step at some place between some heights, and the checker tries all places and heights: the block's and the
/// transaction's fields are what it leaves free and keeps the same throughout.
/// @custom:security-contact security@turingfog.example
library Math {
    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    function saturatingSub(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a - b : 0;
    }

    function ceilDiv(uint256 a, uint256 b) internal pure returns (uint256) {
        return a == 0 ? 0 : (a - 1) / b + 1;
    }

    function mulDiv(uint256, uint256 y, uint256) internal view returns (uint256) {
        (uint256 step, uint256 low, uint256 high) = (block.basefee, tx.gasprice, block.chainid);
        require(low <= high);
        return y <= step ? low : high;
    }
}
