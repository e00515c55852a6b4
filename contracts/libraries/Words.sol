// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Words
/// @notice Arrays without bounds checks, for loops whose bound is the array's own length: 45 gas less each time in
/// memory, 65 in calldata. OpenZeppelin's Arrays has the same reads of memory, but not marked memory-safe, and one such
/// block keeps the optimizer from moving variables to memory and so from inlining anywhere in the contract.
/// @custom:security-contact security@turingfog.example
library Words {
    /// @param i Below the array's length, which the caller ensures.
    function get(uint256[] memory words, uint256 i) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(words, 0x20), shl(5, i)))
        }
    }

    /// @param i Below the array's length, which the caller ensures.
    function set(uint256[] memory words, uint256 i, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(words, 0x20), shl(5, i)), word)
        }
    }

    /// @param i Below the array's length, which the caller ensures.
    function set(address[] memory addresses, uint256 i, address account) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(addresses, 0x20), shl(5, i)), account)
        }
    }

    /// @param i Below the array's length, which the caller ensures.
    function read(address[] calldata addresses, uint256 i) internal pure returns (address account) {
        assembly ("memory-safe") {
            account := shr(96, shl(96, calldataload(add(addresses.offset, shl(5, i)))))
        }
    }

    /// @param i Below the array's length, which the caller ensures.
    function read(uint256[] calldata words, uint256 i) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(words.offset, shl(5, i)))
        }
    }
}
