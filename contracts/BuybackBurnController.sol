// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IBuybackBurnController, IBuybackCallee, Lot, Supply } from "./interfaces/IBuybackBurnController.sol";
import { IEmissionVault } from "./interfaces/IEmissionVault.sol";
import { System } from "./interfaces/IGenesis.sol";
import { IRewardPool } from "./interfaces/IRewardPool.sol";
import { ITFT } from "./interfaces/ITFT.sol";
import { AuctionPrice } from "./libraries/AuctionPrice.sol";
import { BucketId } from "./libraries/BucketId.sol";
import { Phase, SupplySchedule } from "./libraries/SupplySchedule.sol";

/// @title BuybackBurnController
/// @notice See {IBuybackBurnController}.
/// @custom:security-contact security@turingfog.example
contract BuybackBurnController is IBuybackBurnController, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev How much of the current lot is sold. `All` lasts from the last fill until its round is final.
    enum Sold {
        None,
        Some,
        All
    }

    struct Auction {
        uint96 referencePrice; // slot 0: at most 1 B TFT, 90 bits
        uint8 decimals;
        Sold sold;
    }

    /// @dev Of the current lot, while some of it is sold.
    struct Sale {
        uint128 sold; // slot 0
        uint128 proceeds;
    }

    /* CONSTANTS */

    /// @dev So that the average price of a lot of one unit, proceeds · 10^decimals, stays below 2^208.
    uint8 private constant MAX_DECIMALS = 24;

    /// @dev A rest below 1 % of its lot is sold with the fill that would leave it, because nobody might buy it alone.
    uint256 private constant DUST_DIVISOR = 100;

    uint40 private constant MIN_AUCTION_PERIOD = 1 minutes;
    uint40 private constant MAX_AUCTION_PERIOD = 30 days;

    /// @dev The price of any lot is 0 from 23 periods on. The age decides and not the price: with a low reference,
    /// honest lots could be written off.
    uint256 private constant WRITE_OFF_PERIODS = 30;

    /* IMMUTABLES */

    /// @inheritdoc IBuybackBurnController
    uint40 public immutable AUCTION_PERIOD;
    /// @inheritdoc IBuybackBurnController
    ITFT public immutable TFT;
    /// @inheritdoc IBuybackBurnController
    IEmissionVault public immutable VAULT;
    /// @inheritdoc IBuybackBurnController
    IRewardPool public immutable POOL;
    /// @inheritdoc IBuybackBurnController
    address public immutable ESCROW;

    /* STORAGE */

    mapping(address asset => Auction) private _auctions;

    mapping(address asset => Sale) private _sales;

    /* CONSTRUCTOR */

    constructor(System memory system, uint40 auctionPeriod) {
        if (auctionPeriod < MIN_AUCTION_PERIOD || auctionPeriod > MAX_AUCTION_PERIOD) {
            revert Controller_PeriodOutOfBounds(auctionPeriod, MIN_AUCTION_PERIOD, MAX_AUCTION_PERIOD);
        }

        AUCTION_PERIOD = auctionPeriod;
        TFT = ITFT(system.tft);
        VAULT = IEmissionVault(system.vault);
        POOL = IRewardPool(system.pool);
        ESCROW = system.escrow;
    }

    /* DESTROYING */

    /// @inheritdoc IBuybackBurnController
    function burn(uint256 round) external nonReentrant {
        address asset = address(TFT);
        (uint256 closed, uint128 amount, ) = _closedRound(asset);
        if (round != closed) revert Controller_WrongRound(round, closed);

        _destroy(round, asset, amount, true);
    }

    /// @inheritdoc IBuybackBurnController
    function buy(
        address asset,
        uint256 round,
        uint256 amount,
        uint256 maxPrice,
        address to,
        bytes calldata data
    ) external nonReentrant returns (uint128 filled, uint256 tftOwed) {
        Auction storage auction = _auctions[asset];
        Lot memory current = _lot(asset, auction);
        if (round != current.round) revert Controller_WrongRound(round, current.round);
        if (amount == 0) revert Controller_ZeroAmount();
        uint256 currentPrice = _price(current);
        if (currentPrice > maxPrice) revert Controller_PriceAboveMax(currentPrice, maxPrice);

        filled = uint128(amount.min(current.remaining)); // at most `remaining`, a uint128
        if ((current.remaining - filled) * DUST_DIVISOR < current.amount) filled = current.remaining;

        tftOwed = uint256(filled).mulDiv(currentPrice, 10 ** auction.decimals, Math.Rounding.Ceil).max(1);

        emit LotFilled(asset, round, msg.sender, to, filled, tftOwed, currentPrice);
        _recordSale(asset, auction, current, filled, tftOwed);

        // Interaction: the filler may sell what they get for what they owe
        IERC20(asset).safeTransfer(to, filled);
        if (data.length != 0) IBuybackCallee(msg.sender).onBuyback(asset, filled, tftOwed, data);
        TFT.transferFrom(msg.sender, address(this), tftOwed);

        bool isLast = filled == current.remaining;
        _destroy(round, asset, tftOwed, isLast);
        if (isLast) auction.sold = Sold.None;
    }

    function _recordSale(
        address asset,
        Auction storage auction,
        Lot memory current,
        uint128 filled,
        uint256 tftOwed
    ) private {
        bool wasPartlySold = auction.sold == Sold.Some;
        uint256 proceeds = wasPartlySold ? _sales[asset].proceeds + tftOwed : tftOwed;
        if (filled < current.remaining) {
            uint256 sold = current.amount - current.remaining + filled; // less than `amount`
            _sales[asset] = Sale({ sold: uint128(sold), proceeds: proceeds.toUint128() });
            auction.sold = Sold.Some;
            return;
        }

        uint256 nextReference = AuctionPrice.nextReference(
            current.referencePrice,
            proceeds,
            current.amount,
            10 ** auction.decimals
        );
        if (wasPartlySold) delete _sales[asset];
        auction.referencePrice = nextReference.toUint96();
        auction.sold = Sold.All;
        emit LotSoldOut(asset, current.round, proceeds, current.referencePrice, nextReference);
    }

    /// @inheritdoc IBuybackBurnController
    function writeOff(address asset, uint256 round) external nonReentrant {
        Auction storage auction = _auctions[asset];
        Lot memory current = _lot(asset, auction);
        if (round != current.round) revert Controller_WrongRound(round, current.round);
        uint256 from = current.startedAt + WRITE_OFF_PERIODS * AUCTION_PERIOD;
        if (block.timestamp < from) revert Controller_TooEarly(round, from);

        if (auction.sold == Sold.Some) {
            delete _sales[asset];
            auction.sold = Sold.None;
        }
        emit LotWrittenOff(asset, round, current.remaining);

        POOL.addReward(BucketId.encode(round, asset), 0, true);
    }

    /// @dev Destroys TFT that the controller holds, by the supply schedule, and adds the reward to the bucket's. What
    /// the vault releases it pays to the pool itself.
    function _destroy(uint256 round, address asset, uint256 bought, bool isFinal) private {
        uint256 burnedBefore = TFT.burned();
        (uint256 b1, uint256 b2, uint256 reward) = SupplySchedule.split(bought, burnedBefore);
        uint256 burned = b1 + b2;

        if (burned != 0) TFT.burn(burned);

        if (reward != 0) TFT.transfer(address(POOL), reward);

        // only b1 entitles to a release: once it is 0 the reserve is empty
        uint256 released = 0;
        uint256 operations = 0;
        if (b1 != 0) {
            (released, operations) = VAULT.release();
            reward += released - operations;
        }

        uint256 id = BucketId.encode(round, asset);
        POOL.addReward(id, reward, isFinal);

        Phase phaseAfter = SupplySchedule.phase(burnedBefore + burned);
        emit Destroyed(id, round, asset, bought, burned, released, operations, reward, phaseAfter);
    }

    /* PROTOCOL */

    /// @inheritdoc IBuybackBurnController
    function createAuction(address asset, uint256 referencePrice) external {
        if (msg.sender != ESCROW) revert Controller_NotEscrow(msg.sender);
        if (referencePrice < AuctionPrice.MIN_REFERENCE || referencePrice > AuctionPrice.MAX_REFERENCE) {
            revert Controller_ReferenceOutOfBounds(
                referencePrice,
                AuctionPrice.MIN_REFERENCE,
                AuctionPrice.MAX_REFERENCE
            );
        }
        uint8 decimals = IERC20Metadata(asset).decimals();
        if (decimals > MAX_DECIMALS) revert Controller_TooManyDecimals(asset, decimals, MAX_DECIMALS);

        _auctions[asset].referencePrice = referencePrice.toUint96();
        _auctions[asset].decimals = decimals;
        emit AuctionCreated(asset, decimals, referencePrice);
    }

    /* VIEWS */

    /// @inheritdoc IBuybackBurnController
    function phase() external view returns (Phase) {
        return SupplySchedule.phase(TFT.burned());
    }

    /// @inheritdoc IBuybackBurnController
    function supply() external view returns (Supply memory) {
        uint256 total = TFT.totalSupply();
        uint256 burned = TFT.burned();
        uint256 reserve = VAULT.remaining();
        return
            Supply({
                total: total,
                burned: burned,
                released: VAULT.released(),
                reserve: reserve,
                circulating: total - reserve,
                phase: SupplySchedule.phase(burned)
            });
    }

    /// @inheritdoc IBuybackBurnController
    function lot(address asset) external view returns (Lot memory) {
        return _lot(asset, _auctions[asset]);
    }

    /// @inheritdoc IBuybackBurnController
    function price(address asset) external view returns (uint256) {
        return _price(_lot(asset, _auctions[asset]));
    }

    function _lot(address asset, Auction storage auction) private view returns (Lot memory) {
        if (asset == address(TFT)) revert Controller_TFTNotSold();

        (uint256 round, uint128 amount, uint40 closedAt) = _closedRound(asset);
        uint128 remaining = amount;
        if (auction.sold == Sold.Some) remaining = amount - _sales[asset].sold;
        if (auction.sold == Sold.All) remaining = 0;
        return
            Lot({
                round: round,
                amount: amount,
                remaining: remaining,
                startedAt: closedAt,
                referencePrice: auction.referencePrice
            });
    }

    function _closedRound(address asset) private view returns (uint256 round, uint128 amount, uint40 closedAt) {
        (round, amount, closedAt) = POOL.closedRound(asset);
        if (round == 0) revert Controller_NoLot(asset);
    }

    function _price(Lot memory current) private view returns (uint256) {
        return AuctionPrice.priceAt(current.referencePrice, block.timestamp - current.startedAt, AUCTION_PERIOD);
    }
}
