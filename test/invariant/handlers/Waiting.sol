// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { World } from "../World.sol";

/// @notice Time. Nothing else moves it, but for an auction that is awaited and a measure whose delay is.
abstract contract Waiting is World {
    function waitHours() internal action("wait for hours") {
        vm.warp(block.timestamp + _scaled(12 hours));
    }

    function waitForEpoch() internal action("wait for the next epoch") {
        vm.warp((_epoch() + 1) * EPOCH_LENGTH + _draw(2) * _draw(1 hours));
    }

    function waitDays() internal action("wait for days") {
        vm.warp(block.timestamp + _scaled(6 days));
    }
}
