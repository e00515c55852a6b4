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

    /// @dev With the ends of the asset's queue, so that a sale reads and writes one slot for all of it: 6,000 gas less
    /// than a queue apart. 32 bits count epochs of a minute for 8,000 years.
    struct Auction {
        uint96 referencePrice; // slot 0: at most 1 B TFT, 90 bits
        uint40 soldOutAt; // when the lot before was sold out
        uint8 decimals;
        bool isPartlySold; // else `_sales` need not be read
        uint32 oldestEpoch;
        uint32 newestEpoch;
        uint32 waiting; // how many epochs are in the queue
    }

    /// @dev Of the current lot, while it is partly sold.
    struct Sale {
        uint128 sold; // slot 0
        uint128 proceeds;
    }

    /* CONSTANTS */

    /// @dev So that 10^decimals · price · amount stays far below 2^256.
    uint8 private constant MAX_DECIMALS = 24;

    /// @dev A rest below 1 % of its lot is sold with the fill that would leave it, lest nobody bother to buy it.
    uint256 private constant DUST_DIVISOR = 100;

    uint40 private constant MIN_AUCTION_PERIOD = 1 minutes;
    uint40 private constant MAX_AUCTION_PERIOD = 30 days;

    /* IMMUTABLES */

    /// @inheritdoc IBuybackBurnController
    uint40 public immutable AUCTION_PERIOD;
    /// @inheritdoc IBuybackBurnController
    uint40 public immutable EPOCH_LENGTH;
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

    /// @dev The queue's links: the epoch whose bucket waits behind this one. A lone bucket needs none.
    mapping(uint256 bucketId => uint256 epoch) private _nextEpoch;

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
        EPOCH_LENGTH = POOL.EPOCH_LENGTH();
    }

    /* DESTROYING */

    /// @inheritdoc IBuybackBurnController
    function burnEpoch(uint256 epoch) external nonReentrant {
        address asset = address(TFT);
        Auction storage auction = _auctions[asset];
        uint256 oldest = _oldestEnded(asset, auction);
        if (epoch != oldest) revert Controller_WrongEpoch(epoch, oldest);

        uint256 id = BucketId.encode(epoch, asset);
        (uint128 amount, , ) = POOL.bucket(id);

        _dequeue(auction, id);
        _destroy(id, epoch, asset, amount, true);
    }

    /// @inheritdoc IBuybackBurnController
    function buy(
        address asset,
        uint256 epoch,
        uint256 amount,
        uint256 maxPrice,
        address to,
        bytes calldata data
    ) external nonReentrant returns (uint128 filled, uint256 tftOwed) {
        Auction storage auction = _auctions[asset];
        Lot memory current = _lot(asset, auction);
        if (epoch != current.epoch) revert Controller_WrongEpoch(epoch, current.epoch);
        if (amount == 0) revert Controller_ZeroAmount();
        uint256 currentPrice = _price(current);
        if (currentPrice > maxPrice) revert Controller_PriceAboveMax(currentPrice, maxPrice);

        filled = uint128(amount.min(current.remaining)); // at most `remaining`, a uint128
        if ((current.remaining - filled) * DUST_DIVISOR < current.amount) filled = current.remaining;

        tftOwed = uint256(filled).mulDiv(currentPrice, 10 ** auction.decimals, Math.Rounding.Ceil).max(1);

        _recordSale(asset, auction, current, filled, tftOwed);
        emit LotFilled(asset, epoch, msg.sender, to, filled, tftOwed, currentPrice);

        // Interaction: the filler may sell what he gets for what he owes
        IERC20(asset).safeTransfer(to, filled);
        if (data.length != 0) IBuybackCallee(msg.sender).onBuyback(asset, filled, tftOwed, data);
        TFT.transferFrom(msg.sender, address(this), tftOwed);

        _destroy(BucketId.encode(epoch, asset), epoch, asset, tftOwed, filled == current.remaining);
    }

    function _recordSale(
        address asset,
        Auction storage auction,
        Lot memory current,
        uint128 filled,
        uint256 tftOwed
    ) private {
        bool wasPartlySold = auction.isPartlySold;
        uint256 proceeds = wasPartlySold ? _sales[asset].proceeds + tftOwed : tftOwed;
        if (filled < current.remaining) {
            uint256 sold = current.amount - current.remaining + filled; // less than `amount`
            _sales[asset] = Sale({ sold: uint128(sold), proceeds: proceeds.toUint128() });
            auction.isPartlySold = true;
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
        auction.soldOutAt = uint40(block.timestamp);
        auction.isPartlySold = false;
        _dequeue(auction, BucketId.encode(current.epoch, asset));
        emit LotSoldOut(asset, current.epoch, proceeds, current.referencePrice, nextReference);
    }

    function _dequeue(Auction storage auction, uint256 id) private {
        uint32 waiting = auction.waiting - 1;
        auction.waiting = waiting;
        if (waiting == 0) return;

        auction.oldestEpoch = uint32(_nextEpoch[id]); // as it was enqueued
        delete _nextEpoch[id];
    }

    /// @dev Destroys TFT that the controller holds, by the supply schedule, and adds the reward to the bucket's. What
    /// the vault releases it pays to the pool itself.
    function _destroy(uint256 id, uint256 epoch, address asset, uint256 bought, bool isFinal) private {
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

        POOL.addReward(id, reward, isFinal);

        Phase phaseAfter = SupplySchedule.phase(burnedBefore + burned);
        emit Destroyed(id, epoch, asset, bought, burned, released, operations, reward, phaseAfter);
    }

    /* PROTOCOL */

    /// @inheritdoc IBuybackBurnController
    function enqueue(uint256 epoch, address asset) external {
        if (msg.sender != address(POOL)) revert Controller_NotPool(msg.sender);

        Auction storage auction = _auctions[asset];
        uint32 newest = epoch.toUint32();
        uint32 waiting = auction.waiting;
        if (waiting == 0) auction.oldestEpoch = newest;
        else _nextEpoch[BucketId.encode(auction.newestEpoch, asset)] = epoch;
        auction.newestEpoch = newest;
        auction.waiting = waiting + 1;
        emit BucketQueued(BucketId.encode(epoch, asset), epoch, asset);
    }

    /// @inheritdoc IBuybackBurnController
    function createAuction(address asset, uint256 referencePrice) external {
        if (msg.sender != ESCROW) revert Controller_NotEscrow(msg.sender);
        if (referencePrice == 0 || referencePrice > AuctionPrice.MAX_REFERENCE) {
            revert Controller_ReferenceOutOfBounds(referencePrice, AuctionPrice.MAX_REFERENCE);
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

    /// @inheritdoc IBuybackBurnController
    function oldestBucket(address asset) external view returns (uint256 waiting, uint256 epoch) {
        Auction storage auction = _auctions[asset];
        waiting = auction.waiting;
        if (waiting != 0) epoch = auction.oldestEpoch;
    }

    function _lot(address asset, Auction storage auction) private view returns (Lot memory) {
        if (asset == address(TFT)) revert Controller_TFTNotSold();
        uint256 epoch = _oldestEnded(asset, auction);

        (uint128 amount, , ) = POOL.bucket(BucketId.encode(epoch, asset));
        uint256 endedAt = (epoch + 1) * EPOCH_LENGTH;
        return
            Lot({
                epoch: epoch,
                amount: amount,
                remaining: auction.isPartlySold ? amount - _sales[asset].sold : amount,
                startedAt: uint40(endedAt.max(auction.soldOutAt)), // neither is in the future
                referencePrice: auction.referencePrice
            });
    }

    function _price(Lot memory current) private view returns (uint256) {
        return AuctionPrice.priceAt(current.referencePrice, block.timestamp - current.startedAt, AUCTION_PERIOD);
    }

    function _oldestEnded(address asset, Auction storage auction) private view returns (uint256 epoch) {
        epoch = auction.oldestEpoch;
        if (auction.waiting == 0 || epoch >= block.timestamp / EPOCH_LENGTH) revert Controller_NoLot(asset);
    }
}
