// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IUniswapV4UnlockCallback, PoolKey, SwapParams } from "../periphery/IUniswapV4.sol";
import { HostileAgent } from "./HostileAgent.sol";

/// @title HostileHook
/// @notice The hooks of a Uniswap v4 pool, which try what was prepared before and after a swap and then take a part of
/// it. Which of them the pool calls follows from the lowest bits of their address.
/// @custom:security-contact security@turingfog.example
contract HostileHook is HostileAgent, IUniswapV4UnlockCallback {
    using SafeCast for int256;

    int256 private _taken;

    /// @notice Sets what the hooks answer with: the specified amount that they take before a swap, in the upper 128
    /// bits, or the other one that they take after it.
    function setTaken(int256 taken) external {
        _taken = taken;
    }

    function beforeSwap(
        address,
        PoolKey calldata,
        SwapParams calldata,
        bytes calldata
    ) external returns (bytes4, int256, uint24) {
        attempt();
        return (this.beforeSwap.selector, _taken, 0);
    }

    function afterSwap(
        address,
        PoolKey calldata,
        SwapParams calldata,
        int256,
        bytes calldata
    ) external returns (bytes4, int128) {
        attempt();
        return (this.afterSwap.selector, _taken.toInt128());
    }

    /// @inheritdoc IUniswapV4UnlockCallback
    function unlockCallback(bytes calldata) external returns (bytes memory) {
        attempt();
        return "";
    }
}
