// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title BucketId
/// @notice A bucket is what was earned in one asset during one epoch; this is how it is named everywhere.
/// @custom:security-contact security@turingfog.example
library BucketId {
    /// @notice epoch << 160 | asset.
    function encode(uint256 epoch, address asset) internal pure returns (uint256) {
        return (epoch << 160) | uint160(asset);
    }
}
