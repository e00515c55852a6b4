// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IBuybackCallee, IBuybackBurnController } from "../interfaces/IBuybackBurnController.sol";
import { IUniswapV4PoolManager, IUniswapV4UnlockCallback, PoolKey, SwapParams } from "./IUniswapV4.sol";

/// @title UniswapV4BuybackFiller
/// @notice Fills a buyback lot with TFT bought on a Uniswap v4 pool for a part of the lot itself. Needs no capital,
/// pays what is left of the lot to whom its caller names, and keeps nothing and no approval between calls.
/// @custom:security-contact security@turingfog.example
contract UniswapV4BuybackFiller is IBuybackCallee, IUniswapV4UnlockCallback {
    using SafeCast for int256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /* ERRORS */

    /// @notice Indicates a callback by someone who must not make it.
    error Filler_UnexpectedCaller(address caller, address expected);
    /// @notice Indicates that there is no pool of asset and TFT with this fee, tick spacing and hooks.
    error Filler_NoPool(address asset, uint24 fee, int24 tickSpacing, address hooks);
    /// @notice Indicates a pool that sold less TFT than the lot costs.
    error Filler_PoolExhausted(uint256 received, uint256 tftOwed);
    /// @notice Indicates that less would be left than the caller wants, in base units of the asset.
    error Filler_ProfitTooLow(uint256 profit, uint256 minProfit);

    /* EVENTS */

    /// @notice Emitted when a lot, or a part of it, is filled. Amounts are base units of the asset and of TFT.
    event Filled(
        address indexed asset,
        uint256 indexed round,
        address indexed caller,
        uint256 amount,
        uint256 tftPaid,
        uint256 profit
    );

    /* CONSTANTS */

    /// @dev The ends of Uniswap v4's price range (TickMath), exclusive.
    uint160 private constant MIN_SQRT_PRICE_LIMIT = 4295128740;
    uint160 private constant MAX_SQRT_PRICE_LIMIT = 1461446703485210103287273052203988822378723970341;

    /// @dev Where the PoolManager keeps its pools (StateLibrary). The first word of a pool is 0 until it has a price.
    uint256 private constant POOLS_SLOT = 6;

    /* IMMUTABLES */

    /// @notice The controller whose lots are filled.
    IBuybackBurnController public immutable CONTROLLER;

    /// @notice The token that lots are paid with.
    IERC20 public immutable TFT;

    /// @notice The PoolManager, which holds every pool and is trusted to be what it says.
    IUniswapV4PoolManager public immutable POOL_MANAGER;

    /* CONSTRUCTOR */

    constructor(IBuybackBurnController controller, IUniswapV4PoolManager poolManager) {
        CONTROLLER = controller;
        TFT = IERC20(controller.TFT());
        POOL_MANAGER = poolManager;
    }

    /* FILLING */

    /// @notice Buys up to `amount` of a lot, sells as much of it as the TFT cost, and pays the rest to `to`.
    ///
    /// @dev Emits {Filled}.
    /// @dev Warning: the hooks are the caller's choice. They can make the pool as bad as `minProfit` allows and no
    /// worse, for the TFT are owed in full in any case.
    ///
    /// Notes:
    /// - The PoolManager must be locked: a fill cannot be a part of its caller's own unlocking.
    ///
    /// Requirements:
    /// - What is left is at least `minProfit`. See {IBuybackBurnController-buy} for the rest.
    ///
    /// @param asset,round The lot.
    /// @param amount Base units of the asset to buy at the most, save for a rest below 1 % of the lot.
    /// @param poolFee The Uniswap v4 pool's fee in hundredths of a basis point, or 0x800000 if its hooks set it.
    /// @param tickSpacing,hooks The pool's tick spacing and hooks.
    /// @param minProfit Base units of the asset that must be left.
    /// @param to Who receives what is left.
    /// @return profit Base units of the asset paid to `to`.
    function fill(
        address asset,
        uint256 round,
        uint256 amount,
        uint24 poolFee,
        int24 tickSpacing,
        address hooks,
        uint256 minProfit,
        address to
    ) external returns (uint256 profit) {
        (address currency0, address currency1) = _isFirst(asset) ? (asset, address(TFT)) : (address(TFT), asset);
        PoolKey memory key = PoolKey(currency0, currency1, poolFee, tickSpacing, hooks);
        if (!_exists(key)) revert Filler_NoPool(asset, poolFee, tickSpacing, hooks);

        (uint128 filled, uint256 tftOwed) = CONTROLLER.buy(
            asset,
            round,
            amount,
            type(uint256).max,
            address(this),
            abi.encode(key)
        );

        profit = IERC20(asset).balanceOf(address(this));
        if (profit < minProfit) revert Filler_ProfitTooLow(profit, minProfit);
        emit Filled(asset, round, msg.sender, filled, tftOwed, profit);

        IERC20(asset).safeTransfer(to, profit);
    }

    function _exists(PoolKey memory key) private view returns (bool) {
        bytes32 id = keccak256(abi.encode(key));
        return POOL_MANAGER.extsload(keccak256(abi.encode(id, POOLS_SLOT))) != 0;
    }

    /// @inheritdoc IBuybackCallee
    function onBuyback(address asset, uint256, uint256 tftOwed, bytes calldata data) external {
        if (msg.sender != address(CONTROLLER)) revert Filler_UnexpectedCaller(msg.sender, address(CONTROLLER));

        POOL_MANAGER.unlock(abi.encode(abi.decode(data, (PoolKey)), asset, tftOwed));
        TFT.approve(address(CONTROLLER), tftOwed);
    }

    /// @inheritdoc IUniswapV4UnlockCallback
    /// @dev The PoolManager calls only who unlocks it, so that this runs within {onBuyback} alone.
    function unlockCallback(bytes calldata data) external returns (bytes memory) {
        if (msg.sender != address(POOL_MANAGER)) revert Filler_UnexpectedCaller(msg.sender, address(POOL_MANAGER));

        (PoolKey memory key, address asset, uint256 tftOwed) = abi.decode(data, (PoolKey, address, uint256));
        (uint256 owed, uint256 received) = _swap(key, _isFirst(asset), tftOwed);
        if (received < tftOwed) revert Filler_PoolExhausted(received, tftOwed);

        POOL_MANAGER.sync(asset);
        IERC20(asset).safeTransfer(address(POOL_MANAGER), owed);
        POOL_MANAGER.settle();
        POOL_MANAGER.take(address(TFT), address(this), tftOwed);
        return "";
    }

    /// @dev Returns what the pool is owed of the asset, and the TFT that it sells for that.
    function _swap(
        PoolKey memory key,
        bool isAssetFirst,
        uint256 tftOwed
    ) private returns (uint256 owed, uint256 received) {
        int256 delta = POOL_MANAGER.swap(
            key,
            SwapParams({
                zeroForOne: isAssetFirst,
                amountSpecified: tftOwed.toInt256(), // positive: this much out
                sqrtPriceLimitX96: isAssetFirst ? MIN_SQRT_PRICE_LIMIT : MAX_SQRT_PRICE_LIMIT
            }),
            ""
        );
        int256 amount0 = delta >> 128;
        int256 amount1 = int128(delta);

        // negative is what the pool is owed
        (int256 assetDelta, int256 tftDelta) = isAssetFirst ? (amount0, amount1) : (amount1, amount0);
        return ((-assetDelta).toUint256(), tftDelta.toUint256());
    }

    function _isFirst(address asset) private view returns (bool) {
        return asset < address(TFT);
    }
}
