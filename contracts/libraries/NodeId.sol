// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title NodeId
/// @notice Names a node by its GPUs' model, whose rating therefore needs no slot of the node's own.
/// @custom:security-contact security@turingfog.example
library NodeId {
    uint256 private constant SERIAL_BITS = 32;

    /// @notice Returns modelIndex << 32 | serial.
    function encode(uint256 modelIndex, uint32 serial) internal pure returns (uint256) {
        return (modelIndex << SERIAL_BITS) | serial;
    }

    /// @notice Returns the index of a node's model.
    function modelIndexOf(uint256 id) internal pure returns (uint256) {
        return id >> SERIAL_BITS;
    }
}
