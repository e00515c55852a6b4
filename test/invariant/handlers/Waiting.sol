// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { World } from "../World.sol";

/// @notice Time. Nothing else moves it, but for an auction that is awaited and a measure whose delay is.
abstract contract Waiting is World {
    function waitHours(uint256 seed) external action("wait for hours", seed) {
        vm.warp(block.timestamp + _scaled(12 hours));
    }

    function waitForEpoch(uint256 seed) external action("wait for the next epoch", seed) {
        vm.warp((_epoch() + 1) * EPOCH_LENGTH + _draw(2) * _draw(1 hours));
    }

    function waitDays(uint256 seed) external action("wait for days", seed) {
        vm.warp(block.timestamp + _scaled(6 days));
    }
}
