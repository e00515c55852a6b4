// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title OrderId
/// @notice Names an order by the place of its storage, which orders take over from each other, by its asset, which
/// therefore needs no slot of the order's own, and by its generation, how many orders the place has held. So an id
/// never returns: place << 32 | assetIndex << 16 | generation.
/// @custom:security-contact security@turingfog.example
library OrderId {
    uint256 private constant SERIAL_BITS = 40;
    uint256 private constant TAG_BITS = 32;
    uint256 private constant GENERATION_BITS = 16;
    uint256 private constant LAST_GENERATION = 2 ** GENERATION_BITS - 1;

    /// @notice Returns the id of the first order of a place, which is named by the order's asset and a serial number.
    function first(uint256 assetIndex, uint40 serial) internal pure returns (uint256) {
        return (((assetIndex << SERIAL_BITS) | serial) << TAG_BITS) | (assetIndex << GENERATION_BITS) | 1;
    }

    /// @notice Returns the id of an order that takes over the place of another, whatever the asset of either.
    /// @param id An order that {hasNext}.
    function next(uint256 id, uint256 assetIndex) internal pure returns (uint256) {
        return (placeOf(id) << TAG_BITS) | (assetIndex << GENERATION_BITS) | (_generationOf(id) + 1);
    }

    /// @notice Whether an order can be followed by another in its place. No order has generation 0.
    function hasNext(uint256 id) internal pure returns (bool) {
        uint256 generation = _generationOf(id);
        return generation != 0 && generation != LAST_GENERATION;
    }

    /// @notice Returns the number of an order's place.
    function placeOf(uint256 id) internal pure returns (uint256) {
        return id >> TAG_BITS;
    }

    /// @notice Returns what tells an order from all others of its place: assetIndex << 16 | generation.
    function tagOf(uint256 id) internal pure returns (uint32) {
        return uint32(id);
    }

    /// @notice Returns the index of an order's asset.
    function assetIndexOf(uint256 id) internal pure returns (uint256) {
        return uint16(id >> GENERATION_BITS);
    }

    function _generationOf(uint256 id) private pure returns (uint256) {
        return uint16(id);
    }
}
