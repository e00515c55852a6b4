// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { IBuybackBurnController, IBuybackCallee } from "../../../contracts/interfaces/IBuybackBurnController.sol";
import { World } from "../World.sol";

/// @notice Bidders, with TFT of their own or by a callback, and whoever burns ended TFT buckets.
abstract contract Buying is World, IBuybackCallee {
    /// @dev Taken before a destruction, to measure what it gave to whom.
    struct Before {
        uint256 pool;
        uint256 operations;
    }

    uint256 private constant MAX_REFERENCE = 1_000_000_000e18;
    uint256 private constant MIN_PROCEEDS = 1_000e18;

    constructor() {
        vm.prank(BIDDER);
        tft.approve(address(controller), type(uint256).max);
        tft.approve(address(controller), type(uint256).max);
    }

    /* BURNING */

    function burnEpoch() internal action("burn an epoch") {
        Auction storage auction = auctions[address(tft)];
        if (auction.next == auction.epochs.length) return _idle();
        uint256 epoch = auction.epochs[auction.next];
        if (epoch >= _epoch() && _draw(8) != 0) vm.warp((epoch + 1) * EPOCH_LENGTH + _draw(6 hours));
        bytes memory call_ = abi.encodeCall(IBuybackBurnController.burnEpoch, (epoch));
        if (epoch >= _epoch()) {
            return _refused(STRANGER, address(controller), call_, IBuybackBurnController.Controller_NoLot.selector);
        }

        Before memory before = _before();
        vm.prank(STRANGER);
        uint256 gasBefore = gasleft();
        controller.burnEpoch(epoch);
        _bounded(gasBefore, 250_000);

        uint256 amount = buckets[_bucketId(epoch, address(tft))].weight;
        books[address(tft)].sold += amount;
        ++auction.next;
        _destroyed(_bucketId(epoch, address(tft)), amount, true, before);
    }

    /* BUYING */

    function buySome() internal action("buy a part of a lot") {
        address asset = _drawSold();
        if (!_hasLot(asset)) return;
        if (_draw(3) == 0) return _buyAllButDust(asset);
        uint256 most = _affordable(asset, controller.price(asset));
        if (most == 0) return _idle();
        _buy(asset, _scaled(most), _bidder());
    }

    function buyAll() internal action("buy the rest of a lot") {
        address asset = _drawSold();
        if (!_hasLot(asset)) return;
        uint256 price = controller.price(asset);
        uint256 remaining = _remaining(asset);
        for (uint256 i = 0; i < 3 && _affordable(asset, price) < remaining; ++i) {
            vm.warp(block.timestamp + AUCTION_PERIOD / 4);
            price = controller.price(asset);
        }
        if (_affordable(asset, price) < remaining) return _idle();
        _buy(asset, remaining + _draw(2), _bidder());
    }

    /// @dev All but less than a hundredth, or just a hundredth.
    function _buyAllButDust(address asset) private {
        uint256 dust = _lotAmount(asset) / (_draw(2) == 0 ? 100 : 101 + _draw(1_000));
        uint256 remaining = _remaining(asset);
        if (_affordable(asset, controller.price(asset)) < remaining || dust >= remaining) return _idle();
        _buy(asset, remaining - dust, _bidder());
    }

    /// @dev One with TFT of his own, or this contract, which finds them once it has the asset; see {onBuyback}.
    function _bidder() private returns (address) {
        return _draw(3) == 0 ? address(this) : BIDDER;
    }

    /// @inheritdoc IBuybackCallee
    function onBuyback(address asset, uint256 amount, uint256 tftOwed, bytes calldata) external {
        require(msg.sender == address(controller), "only the controller calls back");
        require(_balance(asset, address(this)) >= amount, "the asset is paid out before the callback");
        bytes memory again = abi.encodeCall(IBuybackBurnController.buy, (asset, 0, 1, 0, address(this), ""));
        (bool isDone, ) = address(controller).call(again);
        require(!isDone, "nobody buys while he buys");
        _fund(address(tft), address(this), tftOwed);
        _saw("bought with a callback");
    }

    /// @dev A stablecoin, of which something was earned if possible.
    function _drawSold() private returns (address asset) {
        asset = assets[1 + _draw(2)];
        if (auctions[asset].next == auctions[asset].epochs.length) asset = asset == assets[1] ? assets[2] : assets[1];
    }

    /// @dev Has an ended bucket turn into a lot if one waits; without any, buying is refused.
    function _hasLot(address asset) private returns (bool) {
        Auction storage auction = auctions[asset];
        if (auction.next == auction.epochs.length) {
            bytes memory call_ = abi.encodeCall(IBuybackBurnController.buy, (asset, 0, 1, 0, BIDDER, ""));
            _refused(BIDDER, address(controller), call_, IBuybackBurnController.Controller_NoLot.selector);
            return false;
        }
        uint256 epoch = auction.epochs[auction.next];
        if (epoch >= _epoch()) vm.warp((epoch + 1) * EPOCH_LENGTH + _draw(2 * AUCTION_PERIOD));
        return true;
    }

    function _lotAmount(address asset) private view returns (uint256) {
        Auction storage auction = auctions[asset];
        return buckets[_bucketId(auction.epochs[auction.next], asset)].weight;
    }

    function _remaining(address asset) private view returns (uint256) {
        return _lotAmount(asset) - auctions[asset].sold;
    }

    /// @dev As much of the lot as three quarters of the bank's TFT buy.
    function _affordable(address asset, uint256 price) private view returns (uint256) {
        uint256 remaining = _remaining(asset);
        if (price == 0) return remaining;
        return Math.min(remaining, Math.mulDiv((tft.balanceOf(BANK) * 3) / 4, _unit(asset), price));
    }

    function _buy(address asset, uint256 amount, address bidder) private {
        Auction storage auction = auctions[asset];
        uint256 epoch = auction.epochs[auction.next];
        uint256 price = controller.price(asset);
        _checkPrice(auction, price);
        if (price != 0 && _draw(24) == 0) return _refuseBuy(asset, epoch, price);

        uint256 filled = Math.min(amount, _remaining(asset));
        if ((_remaining(asset) - filled) * 100 < _lotAmount(asset)) {
            if (filled < _remaining(asset)) _saw("sold dust with the fill before");
            filled = _remaining(asset);
        }
        uint256 owed = Math.max(1, Math.mulDiv(filled, price, _unit(asset), Math.Rounding.Ceil));
        if (bidder == BIDDER) _fund(address(tft), BIDDER, owed);

        Before memory before = _before();
        uint256 held = _balance(asset, COLD_WALLET);
        _call(asset, epoch, amount, price, bidder);
        if (bidder == BIDDER) require(_balance(asset, COLD_WALLET) == held + filled, "a fill pays out what it sells");
        require(tft.balanceOf(bidder) == 0, "a fill costs its part of the lot at the price, rounded up");

        bool isSoldOut = filled == _remaining(asset);
        if (!isSoldOut) _saw("sold a part of a lot");
        _recordSale(asset, auction, filled, owed);
        _destroyed(_bucketId(epoch, asset), owed, isSoldOut, before);
    }

    function _call(address asset, uint256 epoch, uint256 amount, uint256 price, address bidder) private {
        uint256 gasBefore = gasleft();
        if (bidder == BIDDER) {
            vm.prank(BIDDER);
            controller.buy(asset, epoch, amount, price, COLD_WALLET, "");
            _bounded(gasBefore, 300_000);
        } else {
            controller.buy(asset, epoch, amount, price, address(this), "source");
        }
    }

    function _refuseBuy(address asset, uint256 epoch, uint256 price) private {
        if (_draw(2) == 0) {
            bytes memory call_ = abi.encodeCall(IBuybackBurnController.buy, (asset, epoch, 1, price - 1, BIDDER, ""));
            _refused(BIDDER, address(controller), call_, IBuybackBurnController.Controller_PriceAboveMax.selector);
        } else {
            bytes memory call_ = abi.encodeCall(IBuybackBurnController.buy, (asset, epoch + 1, 1, price, BIDDER, ""));
            _refused(BIDDER, address(controller), call_, IBuybackBurnController.Controller_WrongEpoch.selector);
        }
    }

    /// @dev Between the powers of two that a price falls through at its age, and never up again.
    function _checkPrice(Auction storage auction, uint256 price) private {
        uint256 age = block.timestamp - _lotStart(auction);
        uint256 early = age < AUCTION_PERIOD ? age : AUCTION_PERIOD;
        uint256 halvings = (5 * early + 8 * (age - early)) / AUCTION_PERIOD;
        uint256 above = halvings > 255 ? 0 : (8 * auction.reference_) >> halvings;
        require(price <= above && price + 2 >= above / 2, "a price falls 5 times by half, then 8 times a period");
        if (age <= AUCTION_PERIOD) require(price + 1 >= auction.reference_ / 4, "a quarter for a whole period");
        else _saw("bought after the first period");

        uint256 epoch = auction.epochs[auction.next];
        if (auction.seenEpoch == epoch) require(price <= auction.seenPrice, "the price of a lot never rises");
        (auction.seenEpoch, auction.seenPrice) = (epoch, price);
    }

    function _recordSale(address asset, Auction storage auction, uint256 filled, uint256 owed) private {
        books[asset].sold += filled;
        auction.sold += filled;
        auction.proceeds += owed;
        uint256 amount = _lotAmount(asset);
        if (auction.sold < amount) return;

        if (auction.proceeds >= MIN_PROCEEDS) {
            uint256 r = auction.reference_;
            uint256 average = Math.mulDiv(auction.proceeds, _unit(asset), amount);
            auction.reference_ = Math.min(Math.min(Math.max(average, (r + 1) / 2), 2 * r), MAX_REFERENCE);
        } else {
            _saw("reference unmoved by a tiny lot");
        }
        auction.soldOutAt = block.timestamp;
        (auction.sold, auction.proceeds) = (0, 0);
        ++auction.next;
    }

    /* DESTROYING */

    function _before() private view returns (Before memory) {
        return Before(tft.balanceOf(address(pool)), vault.operationsOwed());
    }

    /// @dev The supply rule of section 1, and statement 8: what leaves for pool and operations together.
    function _destroyed(uint256 id, uint256 bought, bool isFinal, Before memory before) private {
        uint256 b1 = Math.min(bought, burned < E1 ? E1 - burned : 0);
        uint256 rest = bought - b1;
        uint256 b2 = Math.min((rest + 1) / 2, burned + b1 < E2 ? E2 - burned - b1 : 0);
        _sawPhase(b1, b2, rest);

        uint256 released = _entitlement(burned + b1) - _entitlement(burned);
        uint256 operations = (released * share) / 10_000;
        burned += b1 + b2;
        operationsOwed += operations;
        uint256 reward = rest - b2 + released - operations;
        rewarded += reward;
        buckets[id].reward += reward;
        if (isFinal) {
            buckets[id].isFinal = true;
            finals.push(id);
        }

        uint256 back = tft.balanceOf(address(pool)) - before.pool + vault.operationsOwed() - before.operations;
        require(back <= (b1 * 8 + 9) / 10 + rest - b2, "8: a coalition gets back at most what the rule grants");
        (, uint128 given, bool isNowFinal) = pool.bucket(id);
        require(given == buckets[id].reward, "a destruction rewards its bucket");
        require(isNowFinal == isFinal, "a bucket is final when all of it is destroyed");
    }

    function _sawPhase(uint256 b1, uint256 b2, uint256 rest) private {
        if (b1 != 0) _saw("destroyed in ProductionMining");
        if (b1 != 0 && rest != 0) _saw("crossed into BuybackDistribution");
        if (b2 != 0) _saw("destroyed in BuybackDistribution");
        if (b2 != 0 && burned + b1 + b2 == E2) _saw("crossed into Mature");
        if (b1 == 0 && b2 == 0 && rest != 0) _saw("distributed in Mature");
    }
}
