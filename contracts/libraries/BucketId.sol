// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title BucketId
/// @notice Names a bucket: what was earned in one asset during one round.
/// @custom:security-contact security@turingfog.example
library BucketId {
    /// @notice Returns round << 160 | asset.
    function encode(uint256 round, address asset) internal pure returns (uint256) {
        return (round << 160) | uint160(asset);
    }

    /// @notice Returns the round of a bucket.
    function roundOf(uint256 id) internal pure returns (uint256) {
        return id >> 160;
    }

    /// @notice Returns the asset of a bucket.
    function assetOf(uint256 id) internal pure returns (address) {
        return address(uint160(id));
    }
}
