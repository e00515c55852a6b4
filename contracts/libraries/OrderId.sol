// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title OrderId
/// @notice Names an order by its asset, which therefore needs no slot of the order's own.
/// @custom:security-contact security@turingfog.example
library OrderId {
    uint256 private constant SERIAL_BITS = 40;

    /// @notice Returns assetIndex << 40 | serial.
    function encode(uint256 assetIndex, uint40 serial) internal pure returns (uint256) {
        return (assetIndex << SERIAL_BITS) | serial;
    }

    /// @notice Returns the index of an order's asset.
    function assetIndexOf(uint256 id) internal pure returns (uint256) {
        return id >> SERIAL_BITS;
    }
}
