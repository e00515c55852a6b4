// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Phase } from "../libraries/SupplySchedule.sol";
import { IEmissionVault } from "./IEmissionVault.sol";
import { IRewardPool } from "./IRewardPool.sol";
import { ITFT } from "./ITFT.sol";

/// @notice The supply at a glance, in TFT with 18 decimals.
/// @param total Total supply.
/// @param burned All that was ever burned.
/// @param released All that ever left the reserve.
/// @param reserve What is left of it.
/// @param circulating Total less reserve.
/// @param phase Where the next unit bought back falls.
struct Supply {
    uint256 total;
    uint256 burned;
    uint256 released;
    uint256 reserve;
    uint256 circulating;
    Phase phase;
}

/// @notice The lot of an asset that is for sale.
/// @param round The round in which the lot was earned.
/// @param amount Its size in base units of the asset.
/// @param remaining What is left of it.
/// @param startedAt When its round closed and its clock started.
/// @param referencePrice TFT (18 decimals) per whole unit of the asset; the price opens at 8,192 times this.
struct Lot {
    uint256 round;
    uint128 amount;
    uint128 remaining;
    uint40 startedAt;
    uint256 referencePrice;
}

/// @title IBuybackBurnController
/// @notice Turns everything that was earned into TFT and destroys it by the supply schedule. The closed TFT round is
/// destroyed as it is; the closed round of every other asset is its lot, sold for TFT by Dutch auction. Anyone may call
/// both.
interface IBuybackBurnController {
    /* ERRORS */

    /// @notice Indicates a call that only the escrow may make.
    error Controller_NotEscrow(address caller);
    /// @notice Indicates that TFT, which are destroyed and never sold, were asked for as a lot.
    error Controller_TFTNotSold();
    /// @notice Indicates an asset of which no closed round is waiting.
    error Controller_NoLot(address asset);
    /// @notice Indicates a round that is not the closed one that waits.
    error Controller_WrongRound(uint256 round, uint256 closedRound);
    /// @notice Indicates a purchase of nothing.
    error Controller_ZeroAmount();
    /// @notice Indicates a price above the bidder's limit.
    error Controller_PriceAboveMax(uint256 price, uint256 maxPrice);
    /// @notice Indicates an auction period or an asset's decimals or reference price out of bounds.
    error Controller_PeriodOutOfBounds(uint256 period, uint256 minimum, uint256 maximum);
    error Controller_TooManyDecimals(address asset, uint8 decimals, uint8 maximum);
    error Controller_ReferenceOutOfBounds(uint256 referencePrice, uint256 minimum, uint256 maximum);
    /// @notice Indicates a lot that is too young to be written off.
    error Controller_TooEarly(uint256 round, uint256 from);

    /* EVENTS */

    /// @notice Emitted when an asset other than TFT is listed for the first time.
    event AuctionCreated(address indexed asset, uint8 decimals, uint256 referencePrice);

    /// @notice Emitted when a part or the rest of a lot is sold.
    /// @param amount Base units of the asset sold.
    /// @param tftPaid TFT paid for them.
    /// @param price TFT per whole unit.
    event LotFilled(
        address indexed asset,
        uint256 indexed round,
        address indexed buyer,
        address to,
        uint256 amount,
        uint256 tftPaid,
        uint256 price
    );

    /// @notice Emitted when nothing is left of a lot.
    /// @param proceeds TFT that the whole lot brought.
    event LotSoldOut(
        address indexed asset,
        uint256 indexed round,
        uint256 proceeds,
        uint256 oldReferencePrice,
        uint256 newReferencePrice
    );

    /// @notice Emitted when what is left of a lot is given up.
    /// @param amount Base units of the asset that stay in the controller for good.
    event LotWrittenOff(address indexed asset, uint256 indexed round, uint256 amount);

    /// @notice Emitted when TFT are destroyed; the whole supply can be rebuilt from these.
    /// @param bought TFT bought back, = burned + reward − (released − operations).
    /// @param burned TFT burned.
    /// @param released TFT released from the reserve.
    /// @param operations TFT of the release kept for the operations treasury.
    /// @param reward TFT added to the bucket's reward.
    /// @param phase The phase after it.
    event Destroyed(
        uint256 indexed bucketId,
        uint256 indexed round,
        address indexed asset,
        uint256 bought,
        uint256 burned,
        uint256 released,
        uint256 operations,
        uint256 reward,
        Phase phase
    );

    /* IMMUTABLES */

    /// @notice Length of an auction period in seconds.
    function AUCTION_PERIOD() external view returns (uint40);

    function TFT() external view returns (ITFT);
    function VAULT() external view returns (IEmissionVault);
    function POOL() external view returns (IRewardPool);
    function ESCROW() external view returns (address);

    /* DESTROYING */

    /// @notice Destroys the closed TFT round.
    ///
    /// @dev Emits {Destroyed}.
    ///
    /// Requirements:
    /// - `round` is that round.
    ///
    /// @param round Number of the round.
    function burn(uint256 round) external;

    /// @notice Sells a part of a lot, or the rest of it, at the price of the moment and destroys what it brought.
    ///
    /// @dev Emits {LotFilled}, {Destroyed} and, with the last unit, {LotSoldOut}.
    ///
    /// Notes:
    /// - Fills min(amount, remaining), and the rest too when less than 1 % of the lot would be left.
    /// - Pays the asset to `to` first, then calls {IBuybackCallee-onBuyback} on the caller when `data` is not empty,
    ///   and pulls the TFT from the caller last.
    /// - The caller must have approved at least ⌈filled · price / 10^decimals⌉, one unit at the least. `filled` may
    ///   exceed `amount` by less than 1 % of the lot, also because of a fill in front of this one: leave room for it.
    ///
    /// Requirements:
    /// - The lot is of `round`, `amount` is not zero, the price is at most `maxPrice`.
    ///
    /// @param asset The asset to buy.
    /// @param round The lot's round, which protects the bidder from buying another.
    /// @param amount Base units of the asset.
    /// @param maxPrice TFT (18 decimals) per whole unit.
    /// @param to Who receives the asset.
    /// @param data Handed to the callback; empty for none.
    /// @return filled Base units bought.
    /// @return tftOwed TFT paid.
    function buy(
        address asset,
        uint256 round,
        uint256 amount,
        uint256 maxPrice,
        address to,
        bytes calldata data
    ) external returns (uint128 filled, uint256 tftOwed);

    /// @notice Gives up for good what is left of a lot that is 30 periods old. Its bucket becomes final with the reward
    /// that it has, and the next round can close. By then the price has been 0 for 7 periods, so what is unsold is an
    /// asset whose transfers fail, or worth less than the gas of buying it.
    ///
    /// @dev Emits {LotWrittenOff}.
    ///
    /// Notes:
    /// - The reference price stays, and the asset that is left stays in the controller.
    ///
    /// Requirements:
    /// - The lot is of `round` and its clock started 30 periods ago or earlier.
    ///
    /// @param asset The asset, not TFT.
    /// @param round The lot's round.
    function writeOff(address asset, uint256 round) external;

    /* PROTOCOL */

    /// @notice Creates the auction of a newly listed asset. Emits {AuctionCreated}. Only the escrow.
    /// @param referencePrice The first reference price: TFT (18 decimals) per whole unit, from 10^9 base
    /// units to 10^9 TFT.
    function createAuction(address asset, uint256 referencePrice) external;

    /* VIEWS */

    /// @notice The phase in which the next unit bought back falls.
    function phase() external view returns (Phase);

    /// @notice The supply at a glance.
    function supply() external view returns (Supply memory);

    /// @notice The lot of `asset` that is for sale now. Reverts when there is none, and for TFT.
    function lot(address asset) external view returns (Lot memory);

    /// @notice TFT (18 decimals) per whole unit of `asset`, now. Reverts when there is no lot, and for TFT.
    function price(address asset) external view returns (uint256);
}

/// @title IBuybackCallee
/// @notice What a filler implements that sources the TFT with the asset it has just been paid.
interface IBuybackCallee {
    /// @notice Called after the asset was paid out and before the TFT are pulled.
    /// @param asset The asset bought.
    /// @param amount Base units paid out.
    /// @param tftOwed TFT that the caller must have approved when this returns.
    /// @param data What was passed to {IBuybackBurnController-buy}.
    function onBuyback(address asset, uint256 amount, uint256 tftOwed, bytes calldata data) external;
}
