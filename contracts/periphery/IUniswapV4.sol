// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What tells a Uniswap v4 pool from every other.
/// @param currency0,currency1 The pool's tokens, in ascending order; address 0 stands for the chain's own coin.
/// @param fee The fee in hundredths of a basis point, or 0x800000 if the hooks set it.
/// @param tickSpacing The distance between two prices at which a position may end.
/// @param hooks The contract that the pool calls before and after a swap, or address 0.
struct PoolKey {
    address currency0;
    address currency1;
    uint24 fee;
    int24 tickSpacing;
    address hooks;
}

/// @notice A swap, as a pool takes it.
/// @param zeroForOne Whether the pool is paid in its first token.
/// @param amountSpecified Base units: negative for exactly this much in, positive for exactly this much out.
/// @param sqrtPriceLimitX96 The square root of the price at which the pool stops, with 96 binary decimals.
struct SwapParams {
    bool zeroForOne;
    int256 amountSpecified;
    uint160 sqrtPriceLimitX96;
}

/// @notice What the filler needs of Uniswap v4's PoolManager, which holds the tokens of every pool.
interface IUniswapV4PoolManager {
    /// @notice Calls the caller back, and reverts if the caller owes or is owed anything afterwards.
    function unlock(bytes calldata data) external returns (bytes memory result);

    /// @return delta What the caller is owed, negative for what it owes: of the first token in the upper 128 bits, of
    /// the second in the lower.
    function swap(
        PoolKey calldata key,
        SwapParams calldata params,
        bytes calldata hookData
    ) external returns (int256 delta);

    /// @notice Notes the PoolManager's balance of a currency, from which {settle} counts.
    function sync(address currency) external;

    /// @notice Credits the caller with what the PoolManager has received since {sync}.
    function settle() external payable returns (uint256 paid);

    /// @notice Pays out of what the caller is owed.
    function take(address currency, address to, uint256 amount) external;

    /// @notice Returns a word of the PoolManager's storage.
    function extsload(bytes32 slot) external view returns (bytes32 value);
}

/// @notice What the PoolManager calls on who unlocks it.
interface IUniswapV4UnlockCallback {
    function unlockCallback(bytes calldata data) external returns (bytes memory result);
}
