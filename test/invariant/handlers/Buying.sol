// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { IBuybackBurnController, IBuybackCallee } from "../../../contracts/interfaces/IBuybackBurnController.sol";
import { World } from "../World.sol";

/// @notice Bidders, with TFT of their own or by a callback, and whoever burns closed TFT rounds or writes off old lots.
abstract contract Buying is World, IBuybackCallee {
    /// @dev Taken before a destruction, to measure what it gave to whom.
    struct Before {
        uint256 pool;
        uint256 operations;
    }

    uint256 private constant MIN_REFERENCE = 1e9;
    uint256 private constant MAX_REFERENCE = 1_000_000_000e18;
    uint256 private constant FULL_PROCEEDS = 1_000e18;
    uint256 private constant WRITE_OFF_PERIODS = 30;
    uint256 private constant OPENING = AUCTION_PERIOD / 12;

    constructor() {
        vm.prank(BIDDER);
        tft.approve(address(controller), type(uint256).max);
        tft.approve(address(controller), type(uint256).max);
    }

    /* BURNING */

    function burnRound() internal action("burn a round") {
        if (!_isUnfinished(address(tft))) return _idle();
        uint256 closing = _closing(address(tft));
        if (block.timestamp < closing && _draw(8) != 0) vm.warp(closing + _draw(6 hours));
        uint256 round = _closedRound(address(tft));
        if (round == 0 || _draw(16) == 0) return _refuseBurn(round);

        Before memory before = _before();
        vm.prank(STRANGER);
        uint256 gasBefore = gasleft();
        controller.burn(round);
        _bounded(gasBefore, 250_000);

        uint256 amount = buckets[_bucketId(round, address(tft))].weight;
        _finish(address(tft));
        _destroyed(_bucketId(round, address(tft)), amount, true, before);
    }

    /// @dev Without a closed round, or for the open one.
    function _refuseBurn(uint256 closed) private {
        bytes memory call_ = abi.encodeCall(IBuybackBurnController.burn, (_openRound(address(tft))));
        bytes4 reason =
            closed == 0
                ? IBuybackBurnController.Controller_NoLot.selector
                : IBuybackBurnController.Controller_WrongRound.selector;
        _refused(STRANGER, address(controller), call_, reason);
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
        require(controller.lot(asset).remaining == _remaining(asset) - amount, "a callback sees the lot as it will be");
        uint256 round = _closedRound(asset);
        _refuseWithin(abi.encodeCall(IBuybackBurnController.buy, (asset, round, 1, type(uint256).max, BIDDER, "")));
        _refuseWithin(abi.encodeCall(IBuybackBurnController.writeOff, (asset, round)));
        _refuseWithin(abi.encodeCall(IBuybackBurnController.burn, (_closedRound(address(tft)))));
        _fund(address(tft), address(this), tftOwed);
        _saw("bought with a callback");
    }

    function _refuseWithin(bytes memory call_) private {
        (bool isDone, bytes memory answer) = address(controller).call(call_);
        require(
            !isDone && bytes4(answer) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector,
            "nobody buys, burns or writes off while they buy"
        );
    }

    /// @dev A stablecoin, of which something was earned if possible.
    function _drawSold() private returns (address asset) {
        asset = assets[1 + _draw(2)];
        if (!_isUnfinished(asset)) asset = asset == assets[1] ? assets[2] : assets[1];
    }

    /// @dev Has a round close if one has earned, mostly after the opening; without any, buying is refused.
    function _hasLot(address asset) private returns (bool) {
        if (!_isUnfinished(asset)) {
            bytes memory call_ = abi.encodeCall(IBuybackBurnController.buy, (asset, 0, 1, 0, BIDDER, ""));
            _refused(BIDDER, address(controller), call_, IBuybackBurnController.Controller_NoLot.selector);
            return false;
        }
        uint256 closing = _closing(asset);
        if (block.timestamp < closing) vm.warp(closing + _draw(_draw(4) == 0 ? OPENING : 2 * AUCTION_PERIOD));
        return true;
    }

    function _lotAmount(address asset) private view returns (uint256) {
        return buckets[_bucketId(_closedRound(asset), asset)].weight;
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
        uint256 round = _closedRound(asset);
        uint256 price = controller.price(asset);
        _checkPrice(asset, price);
        if (price != 0 && _draw(24) == 0) return _refuseBuy(asset, round, price);

        uint256 filled = Math.min(amount, _remaining(asset));
        if ((_remaining(asset) - filled) * 100 < _lotAmount(asset)) {
            if (filled < _remaining(asset)) _saw("sold dust with the fill before");
            filled = _remaining(asset);
        }
        uint256 owed = Math.max(1, Math.mulDiv(filled, price, _unit(asset), Math.Rounding.Ceil));
        if (bidder == BIDDER) _fund(address(tft), BIDDER, owed);

        Before memory before = _before();
        uint256 held = _balance(asset, COLD_WALLET);
        _call(asset, round, amount, price, bidder);
        if (bidder == BIDDER) require(_balance(asset, COLD_WALLET) == held + filled, "a fill pays out what it sells");
        require(tft.balanceOf(bidder) == 0, "a fill costs its part of the lot at the price, rounded up");

        bool isSoldOut = filled == _remaining(asset);
        if (!isSoldOut) _saw("sold a part of a lot");
        _recordSale(asset, filled, owed);
        _destroyed(_bucketId(round, asset), owed, isSoldOut, before);
    }

    function _call(address asset, uint256 round, uint256 amount, uint256 price, address bidder) private {
        uint256 gasBefore = gasleft();
        if (bidder == BIDDER) {
            vm.prank(BIDDER);
            controller.buy(asset, round, amount, price, COLD_WALLET, "");
            _bounded(gasBefore, 300_000);
        } else {
            controller.buy(asset, round, amount, price, address(this), "source");
        }
    }

    function _refuseBuy(address asset, uint256 round, uint256 price) private {
        if (_draw(2) == 0) {
            bytes memory call_ = abi.encodeCall(IBuybackBurnController.buy, (asset, round, 1, price - 1, BIDDER, ""));
            _refused(BIDDER, address(controller), call_, IBuybackBurnController.Controller_PriceAboveMax.selector);
        } else {
            bytes memory call_ = abi.encodeCall(IBuybackBurnController.buy, (asset, round + 1, 1, price, BIDDER, ""));
            _refused(BIDDER, address(controller), call_, IBuybackBurnController.Controller_WrongRound.selector);
        }
    }

    /// @dev Between the powers of two that a price falls through at its age, and never up again.
    function _checkPrice(address asset, uint256 price) private {
        Auction storage auction = auctions[asset];
        uint256 age = block.timestamp - _closing(asset);
        uint256 above = _halved(8_192 * auction.reference_, age);
        require(price <= above && price + 2 >= above / 2, "a price falls 10 times by half, 5 times, then 4 a period");
        if (age < OPENING) _saw("bought in the opening");
        if (age <= AUCTION_PERIOD) require(price + 1 >= auction.reference_ / 4, "a quarter for a whole period");
        else _saw("bought after the first period");

        uint256 round = _closedRound(asset);
        if (auction.seenRound == round) require(price <= auction.seenPrice, "the price of a lot never rises");
        (auction.seenRound, auction.seenPrice) = (round, price);
    }

    /// @dev Halved as often as a price is in whole at an age.
    function _halved(uint256 opening, uint256 age) private pure returns (uint256) {
        if (age < OPENING) return opening >> ((10 * age) / OPENING);
        if (age < AUCTION_PERIOD) return opening >> (10 + (5 * (age - OPENING)) / (AUCTION_PERIOD - OPENING));
        return opening >> (15 + (4 * (age - AUCTION_PERIOD)) / AUCTION_PERIOD);
    }

    function _recordSale(address asset, uint256 filled, uint256 owed) private {
        Auction storage auction = auctions[asset];
        auction.sold += filled;
        auction.proceeds += owed;
        uint256 amount = _lotAmount(asset);
        if (auction.sold < amount) return;

        auction.reference_ = _nextReference(
            auction.reference_,
            auction.proceeds,
            Math.mulDiv(auction.proceeds, _unit(asset), amount)
        );
        _finish(asset);
    }

    /// @dev The mean of reference and average, weighted by what the lot brought of 1,000 TFT and rounded to the average.
    function _nextReference(uint256 r, uint256 proceeds, uint256 average) private returns (uint256) {
        uint256 least = Math.max((r + 1) / 2, MIN_REFERENCE);
        uint256 target = Math.min(Math.max(average, least), Math.min(2 * r, MAX_REFERENCE));
        _saw(proceeds < FULL_PROCEEDS ? bytes32("reference moved in part") : bytes32("reference moved in full"));
        uint256 weight = Math.min(proceeds, FULL_PROCEEDS);
        uint256 weighted = r * (FULL_PROCEEDS - weight) + target * weight;
        return target > r ? (weighted + FULL_PROCEEDS - 1) / FULL_PROCEEDS : weighted / FULL_PROCEEDS;
    }

    /// @dev The closed round of an asset is final from now on.
    function _finish(address asset) private {
        Auction storage auction = auctions[asset];
        (auction.sold, auction.proceeds) = (0, 0);
        auction.finishedAt = block.timestamp;
        ++auction.finished;
        if (_isUnfinished(asset))
            _saw(_closedRound(asset) == 0 ? bytes32("round waits for its epoch") : bytes32("round waited for another"));
    }

    /* WRITING OFF */

    /// @dev Mostly too early; now and then thirty periods are let pass, to the second.
    function writeOff() internal action("write off a lot") {
        address asset = _drawSold();
        if (!_isUnfinished(asset)) return _idle();
        _hasLot(asset);
        uint256 round = _closedRound(asset);
        uint256 from = _closing(asset) + WRITE_OFF_PERIODS * AUCTION_PERIOD;
        if (_draw(8) == 0) {
            bytes memory wrong = abi.encodeCall(IBuybackBurnController.writeOff, (asset, round + 1));
            return
                _refused(STRANGER, address(controller), wrong, IBuybackBurnController.Controller_WrongRound.selector);
        }
        bool isAwaited = block.timestamp < from && _draw(6) == 0;
        if (isAwaited) vm.warp(from - _draw(2));
        bytes memory call_ = abi.encodeCall(IBuybackBurnController.writeOff, (asset, round));
        if (block.timestamp < from) {
            if (isAwaited) _saw("refused a second too early");
            return _refused(STRANGER, address(controller), call_, IBuybackBurnController.Controller_TooEarly.selector);
        }

        vm.prank(STRANGER);
        uint256 gasBefore = gasleft();
        controller.writeOff(asset, round);
        _bounded(gasBefore, 100_000);

        if (auctions[asset].sold != 0) _saw("wrote off a lot partly sold");
        books[asset].writtenOff += _remaining(asset);
        uint256 id = _bucketId(round, asset);
        _finish(asset);
        _makeFinal(id);
        (, uint128 reward, bool isFinal) = pool.bucket(id);
        require(isFinal && reward == buckets[id].reward, "a lot written off leaves its bucket final with what it had");
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
        if (isFinal) _makeFinal(id);

        uint256 back = tft.balanceOf(address(pool)) - before.pool + vault.operationsOwed() - before.operations;
        require(back <= (b1 * 8 + 9) / 10 + rest - b2, "8: a coalition gets back at most what the rule grants");
        (, uint128 given, bool isNowFinal) = pool.bucket(id);
        require(given == buckets[id].reward, "a destruction rewards its bucket");
        require(isNowFinal == isFinal, "a bucket is final when all of it is destroyed");
    }

    function _makeFinal(uint256 id) private {
        buckets[id].isFinal = true;
        finals.push(id);
    }

    function _sawPhase(uint256 b1, uint256 b2, uint256 rest) private {
        if (b1 != 0) _saw("destroyed in ProductionMining");
        if (b1 != 0 && rest != 0) _saw("crossed into BuybackDistribution");
        if (b2 != 0) _saw("destroyed in BuybackDistribution");
        if (b2 != 0 && burned + b1 + b2 == E2) _saw("crossed into Mature");
        if (b1 == 0 && b2 == 0 && rest != 0) _saw("distributed in Mature");
    }
}
