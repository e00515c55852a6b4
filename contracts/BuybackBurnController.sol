// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { DoubleEndedQueue } from "@openzeppelin/contracts/utils/structs/DoubleEndedQueue.sol";

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
    using DoubleEndedQueue for DoubleEndedQueue.Bytes32Deque;
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    struct Auction {
        uint128 referencePrice; // slot 0
        uint40 soldOutAt; // when the lot before was sold out
        uint8 decimals;
        uint128 sold; // slot 1: of the current lot
        uint128 proceeds;
    }

    /* CONSTANTS */

    /// @inheritdoc IBuybackBurnController
    uint16 public constant MAX_OPERATIONS_SHARE = 2_000;

    uint16 private constant BASIS_POINTS = 10_000;

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
    address public immutable GOVERNOR;
    /// @inheritdoc IBuybackBurnController
    ITFT public immutable TFT;
    /// @inheritdoc IBuybackBurnController
    IEmissionVault public immutable VAULT;
    /// @inheritdoc IBuybackBurnController
    IRewardPool public immutable POOL;
    /// @inheritdoc IBuybackBurnController
    address public immutable ORACLE;
    /// @inheritdoc IBuybackBurnController
    address public immutable REGISTRY;
    /// @inheritdoc IBuybackBurnController
    address public immutable ESCROW;

    /* STORAGE */

    /// @inheritdoc IBuybackBurnController
    address public operationsTreasury;

    /// @inheritdoc IBuybackBurnController
    uint16 public operationsShare;

    mapping(address asset => Auction) private _auctions;

    /// @dev Epochs of the buckets that wait, oldest first.
    mapping(address asset => DoubleEndedQueue.Bytes32Deque) private _epochs;

    /* CONSTRUCTOR */

    constructor(System memory system, uint40 auctionPeriod, address treasury, uint16 share) {
        if (auctionPeriod < MIN_AUCTION_PERIOD || auctionPeriod > MAX_AUCTION_PERIOD) {
            revert Controller_PeriodOutOfBounds(auctionPeriod, MIN_AUCTION_PERIOD, MAX_AUCTION_PERIOD);
        }

        AUCTION_PERIOD = auctionPeriod;
        GOVERNOR = system.governor;
        TFT = ITFT(system.tft);
        VAULT = IEmissionVault(system.vault);
        POOL = IRewardPool(system.pool);
        ORACLE = system.oracle;
        REGISTRY = system.registry;
        ESCROW = system.escrow;
        EPOCH_LENGTH = POOL.EPOCH_LENGTH();

        _setOperations(treasury, share);
    }

    /* DESTROYING */

    /// @inheritdoc IBuybackBurnController
    function burnEpoch(uint256 epoch) external nonReentrant {
        address asset = address(TFT);
        uint256 oldest = _oldestEnded(asset);
        if (epoch != oldest) revert Controller_WrongEpoch(epoch, oldest);

        (uint128 amount, , ) = POOL.bucket(BucketId.encode(epoch, asset));

        _epochs[asset].popFront();
        _destroy(epoch, asset, amount, true);
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
        Lot memory current = lot(asset);
        if (epoch != current.epoch) revert Controller_WrongEpoch(epoch, current.epoch);
        if (amount == 0) revert Controller_ZeroAmount();
        uint256 currentPrice = _price(current);
        if (currentPrice > maxPrice) revert Controller_PriceAboveMax(currentPrice, maxPrice);

        filled = uint128(amount.min(current.remaining)); // at most `remaining`, a uint128
        if ((current.remaining - filled) * DUST_DIVISOR < current.amount) filled = current.remaining;

        uint256 wholeUnit = 10 ** _auctions[asset].decimals;
        tftOwed = uint256(filled).mulDiv(currentPrice, wholeUnit, Math.Rounding.Ceil).max(1);

        _recordSale(asset, current, filled, tftOwed, wholeUnit);
        emit LotFilled(asset, epoch, msg.sender, to, filled, tftOwed, currentPrice);

        // Interaction: the filler may sell what he gets for what he owes
        IERC20(asset).safeTransfer(to, filled);
        if (data.length != 0) IBuybackCallee(msg.sender).onBuyback(asset, filled, tftOwed, data);
        TFT.transferFrom(msg.sender, address(this), tftOwed);

        _destroy(epoch, asset, tftOwed, filled == current.remaining);
    }

    function _recordSale(
        address asset,
        Lot memory current,
        uint128 filled,
        uint256 tftOwed,
        uint256 wholeUnit
    ) private {
        Auction storage auction = _auctions[asset];
        uint256 proceeds = auction.proceeds + tftOwed;
        if (filled < current.remaining) {
            auction.sold += filled;
            auction.proceeds = proceeds.toUint128();
            return;
        }

        uint256 nextReference = AuctionPrice.nextReference(current.referencePrice, proceeds, current.amount, wholeUnit);
        auction.referencePrice = nextReference.toUint128();
        auction.soldOutAt = uint40(block.timestamp);
        auction.sold = 0;
        auction.proceeds = 0;
        _epochs[asset].popFront();
        emit LotSoldOut(asset, current.epoch, proceeds, current.referencePrice, nextReference);
    }

    /// @dev Destroys TFT that the controller holds, by the supply schedule, and adds the reward to the bucket's.
    function _destroy(uint256 epoch, address asset, uint256 bought, bool isFinal) private {
        uint256 burnedBefore = TFT.burned();
        (uint256 b1, uint256 b2, uint256 reward) = SupplySchedule.split(bought, burnedBefore);
        uint256 burned = b1 + b2;

        if (burned != 0) TFT.burn(burned);

        // only b1 entitles to a release: once it is 0 the reserve is empty
        uint256 released = 0;
        uint256 operations = 0;
        if (b1 != 0) {
            released = VAULT.release();
            operations = (released * operationsShare) / BASIS_POINTS;
            reward += released - operations;
            if (operations != 0) TFT.transfer(operationsTreasury, operations);
        }

        uint256 id = BucketId.encode(epoch, asset);
        if (reward != 0) TFT.transfer(address(POOL), reward);
        POOL.addReward(id, reward, isFinal);

        Phase phaseAfter = SupplySchedule.phase(burnedBefore + burned);
        emit Destroyed(id, epoch, asset, bought, burned, released, operations, reward, phaseAfter);
    }

    /* PROTOCOL */

    /// @inheritdoc IBuybackBurnController
    function enqueue(uint256 epoch, address asset) external {
        if (msg.sender != address(POOL)) revert Controller_NotPool(msg.sender);

        _epochs[asset].pushBack(bytes32(epoch));
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

        _auctions[asset].referencePrice = referencePrice.toUint128();
        _auctions[asset].decimals = decimals;
        emit AuctionCreated(asset, decimals, referencePrice);
    }

    /* GOVERNANCE */

    /// @inheritdoc IBuybackBurnController
    function setOperations(address treasury, uint16 share) external {
        if (msg.sender != GOVERNOR) revert Controller_NotGovernor(msg.sender);
        _setOperations(treasury, share);
    }

    function _setOperations(address treasury, uint16 share) private {
        if (
            treasury == address(0) ||
            treasury == address(this) ||
            treasury == address(TFT) ||
            treasury == address(VAULT) ||
            treasury == address(POOL) ||
            treasury == ORACLE ||
            treasury == REGISTRY ||
            treasury == ESCROW
        ) revert Controller_InvalidTreasury(treasury);
        if (share > MAX_OPERATIONS_SHARE) revert Controller_ShareTooHigh(share, MAX_OPERATIONS_SHARE);

        emit OperationsSet(operationsTreasury, operationsShare, treasury, share);
        operationsTreasury = treasury;
        operationsShare = share;
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
    function lot(address asset) public view returns (Lot memory) {
        if (asset == address(TFT)) revert Controller_TFTNotSold();
        uint256 epoch = _oldestEnded(asset);

        Auction memory auction = _auctions[asset];
        (uint128 amount, , ) = POOL.bucket(BucketId.encode(epoch, asset));
        uint256 endedAt = (epoch + 1) * EPOCH_LENGTH;
        return
            Lot({
                epoch: epoch,
                amount: amount,
                remaining: amount - auction.sold,
                startedAt: uint40(endedAt.max(auction.soldOutAt)), // neither is in the future
                referencePrice: auction.referencePrice
            });
    }

    /// @inheritdoc IBuybackBurnController
    function price(address asset) external view returns (uint256) {
        return _price(lot(asset));
    }

    /// @inheritdoc IBuybackBurnController
    function oldestBucket(address asset) external view returns (uint256 waiting, uint256 epoch) {
        waiting = _epochs[asset].length();
        if (waiting != 0) epoch = uint256(_epochs[asset].front());
    }

    function _price(Lot memory current) private view returns (uint256) {
        return AuctionPrice.priceAt(current.referencePrice, block.timestamp - current.startedAt, AUCTION_PERIOD);
    }

    function _oldestEnded(address asset) private view returns (uint256 epoch) {
        if (_epochs[asset].empty()) revert Controller_NoLot(asset);
        epoch = uint256(_epochs[asset].front());
        if (epoch >= block.timestamp / EPOCH_LENGTH) revert Controller_NoLot(asset);
    }
}
