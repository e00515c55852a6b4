// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title Math
/// @notice Lets the factor of {mulDiv} through, so that a property can speak about what the price is computed from.
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

    function mulDiv(uint256, uint256 y, uint256) internal pure returns (uint256) {
        return y;
    }
}
