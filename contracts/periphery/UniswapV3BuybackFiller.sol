// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IBuybackBurnController, IBuybackCallee } from "../interfaces/IBuybackBurnController.sol";
import { IUniswapV3Factory, IUniswapV3Pool, IUniswapV3SwapCallback } from "./IUniswapV3.sol";

/// @title UniswapV3BuybackFiller
/// @notice Fills a buyback lot with TFT bought on a Uniswap v3 pool for a part of the lot itself. Needs no capital,
/// pays what is left of the lot to its caller, and keeps nothing and no approval between calls.
/// @custom:security-contact security@turingfog.example
contract UniswapV3BuybackFiller is IBuybackCallee, IUniswapV3SwapCallback {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /* ERRORS */

    /// @notice Indicates a callback by someone who must not make it.
    error Filler_UnexpectedCaller(address caller, address expected);
    /// @notice Indicates that there is no pool of asset and TFT with this fee.
    error Filler_NoPool(address asset, uint24 fee);
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

    /// @dev The ends of Uniswap v3's price range (TickMath), exclusive.
    uint160 private constant MIN_SQRT_PRICE_LIMIT = 4295128740;
    uint160 private constant MAX_SQRT_PRICE_LIMIT = 1461446703485210103287273052203988822378723970341;

    /* IMMUTABLES */

    /// @notice The controller whose lots are filled.
    IBuybackBurnController public immutable CONTROLLER;

    /// @notice The token that lots are paid with.
    IERC20 public immutable TFT;

    /// @notice The factory whose pools are trusted to be what they say.
    IUniswapV3Factory public immutable FACTORY;

    /* CONSTRUCTOR */

    constructor(IBuybackBurnController controller, IUniswapV3Factory factory) {
        CONTROLLER = controller;
        TFT = IERC20(controller.TFT());
        FACTORY = factory;
    }

    /* FILLING */

    /// @notice Buys up to `amount` of a lot, sells as much of it as the TFT cost, and pays the rest to the caller.
    ///
    /// @dev Emits {Filled}.
    ///
    /// Requirements:
    /// - What is left is at least `minProfit`. See {IBuybackBurnController-buy} for the rest.
    ///
    /// @param asset,round The lot.
    /// @param amount Base units of the asset to buy at the most, save for a rest below 1 % of the lot.
    /// @param poolFee The Uniswap v3 pool's fee in hundredths of a basis point.
    /// @param minProfit Base units of the asset that must be left.
    /// @return profit Base units of the asset paid to the caller.
    function fill(
        address asset,
        uint256 round,
        uint256 amount,
        uint24 poolFee,
        uint256 minProfit
    ) external returns (uint256 profit) {
        address pool = _pool(asset, poolFee);
        if (pool == address(0)) revert Filler_NoPool(asset, poolFee);

        (uint128 filled, uint256 tftOwed) = CONTROLLER.buy(
            asset,
            round,
            amount,
            type(uint256).max,
            address(this),
            abi.encode(pool, poolFee)
        );

        profit = IERC20(asset).balanceOf(address(this));
        if (profit < minProfit) revert Filler_ProfitTooLow(profit, minProfit);
        emit Filled(asset, round, msg.sender, filled, tftOwed, profit);

        IERC20(asset).safeTransfer(msg.sender, profit);
    }

    /// @inheritdoc IBuybackCallee
    function onBuyback(address asset, uint256, uint256 tftOwed, bytes calldata data) external {
        if (msg.sender != address(CONTROLLER)) revert Filler_UnexpectedCaller(msg.sender, address(CONTROLLER));

        (address pool, uint24 poolFee) = abi.decode(data, (address, uint24));
        bool zeroForOne = asset < address(TFT);
        IUniswapV3Pool(pool).swap(
            address(this),
            zeroForOne,
            -tftOwed.toInt256(), // negative: this much out
            zeroForOne ? MIN_SQRT_PRICE_LIMIT : MAX_SQRT_PRICE_LIMIT,
            abi.encode(asset, poolFee)
        );

        uint256 received = TFT.balanceOf(address(this));
        if (received < tftOwed) revert Filler_PoolExhausted(received, tftOwed);
        TFT.approve(address(CONTROLLER), tftOwed);
    }

    /// @inheritdoc IUniswapV3SwapCallback
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external {
        (address asset, uint24 poolFee) = abi.decode(data, (address, uint24));
        address pool = _pool(asset, poolFee);
        if (msg.sender != pool) revert Filler_UnexpectedCaller(msg.sender, pool);

        // positive is what the pool is owed
        uint256 owed = uint256(amount0Delta > 0 ? amount0Delta : amount1Delta);
        IERC20(asset).safeTransfer(pool, owed);
    }

    function _pool(address asset, uint24 poolFee) private view returns (address) {
        return FACTORY.getPool(asset, address(TFT), poolFee);
    }
}
