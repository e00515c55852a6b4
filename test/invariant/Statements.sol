// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import { IBuybackBurnController, Lot, Supply } from "../../contracts/interfaces/IBuybackBurnController.sol";
import { IComputeEscrow, Order } from "../../contracts/interfaces/IComputeEscrow.sol";
import { IEmissionVault } from "../../contracts/interfaces/IEmissionVault.sol";
import { IRewardPool } from "../../contracts/interfaces/IRewardPool.sol";
import { RootStatus } from "../../contracts/interfaces/ITUReceiptOracle.sol";
import { Phase } from "../../contracts/libraries/SupplySchedule.sol";
import { World } from "./World.sol";

/// @notice What must hold after every call, in one pass. Balances are compared for equality, donations set apart, so a
/// unit too many is found as well as one too few. Of lists that grow, each pass looks at one place further on.
abstract contract Statements is World {
    /// @dev Reverts with the statement that does not hold.
    function _check() internal {
        _supplyFollowsBurning();
        _vaultHoldsTheReserve();
        _poolHoldsItsRewards();
        _booksBalance(address(tft));
        _booksBalance(address(usd));
        _booksBalance(address(dai));
        _roundsStand(assets[calls % 3]);
        _lotIsAsSold(assets[1 + (calls % 2)]);
        _bucketStands();
        _orderStands();
        _closedOrderIsGone();
        _rootStands();
        _nodeStands();
    }

    /// @dev Statements 1 to 3.
    function _supplyFollowsBurning() private {
        Supply memory supply;
        _readTo(_place(supply), 6, address(controller), IBuybackBurnController.supply.selector, 0);
        uint256 burnedInAll = burned;
        require(supply.total == NOMINAL - burnedInAll, "1: the supply is the nominal one less what was burned");
        require(supply.burned == burnedInAll, "1: burned is what is missing from the nominal supply");
        require(supply.total <= supplyBefore, "1: nothing raises the supply");
        require(supply.total >= ULTIMATE, "1: the supply is never below the ultimate one");
        Phase expected =
            burnedInAll < E1
                ? Phase.ProductionMining
                : burnedInAll < E2
                    ? Phase.BuybackDistribution
                    : Phase.Mature;
        require(supply.phase == expected, "1: the phase follows from what was burned");
        require(
            supply.released == _entitlement(burnedInAll),
            "2: 80 % of what was burned is released, up to the reserve"
        );
        require(supply.reserve == RESERVE - supply.released, "2: the reserve is what is not released");
        require(
            supply.circulating == supply.total - supply.reserve,
            "3: what circulates is the supply less the reserve"
        );
        require(supply.circulating <= circulatingBefore, "3: the circulating supply never rises");
        if (supply.total != supplyBefore || supply.circulating != circulatingBefore)
            (supplyBefore, circulatingBefore) = (uint128(supply.total), uint128(supply.circulating));
    }

    function _place(Order memory order) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := order
        }
    }

    function _place(Lot memory lot) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := lot
        }
    }

    function _place(Supply memory supply) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := supply
        }
    }

    /// @dev Statement 2.
    function _vaultHoldsTheReserve() private view {
        uint256 owed = operationsOwed;
        require(
            _read(address(vault), IEmissionVault.operationsOwed.selector, 0) == owed,
            "2: operations are owed their share, less what was paid"
        );
        require(
            _balance(address(tft), address(vault)) == RESERVE - _entitlement(burned) + owed + givenToVault,
            "2: the vault holds what is not released and what operations are owed"
        );
    }

    /// @dev Statements 4 and 5: `paidIn` less `earned` and `refunded` is what open orders have left.
    function _booksBalance(address asset) private view {
        Books storage sums = books[asset];
        uint256 earned = sums.earned;
        uint256 open = sums.paidIn - earned - sums.refunded;
        require(
            _read(address(escrow), IComputeEscrow.liabilities.selector, uint160(asset)) == open,
            "5: paid in is earned, refunded or still open, to the last unit"
        );
        require(
            _balance(asset, address(escrow)) == open + sums.givenToEscrow,
            "4: the escrow holds what open orders have left"
        );
        require(
            _balance(asset, address(controller)) == _unsold(asset) + sums.writtenOff + sums.givenToController,
            "4: the controller holds unsold lots and unburned buckets, and what was written off"
        );
    }

    /// @dev What the rounds weigh that are not final, less what is sold of the first.
    function _unsold(address asset) private view returns (uint256 amount) {
        Auction storage auction = auctions[asset];
        for (uint256 round = auction.opened; round > auction.finished; --round)
            amount += buckets[_bucketId(round, asset)].weight;
        amount -= auction.sold;
    }

    /// @dev Statement 4.
    function _poolHoldsItsRewards() private view {
        require(
            _balance(address(tft), address(pool)) == rewarded - claimed + givenToPool,
            "4: the pool holds unclaimed rewards"
        );
    }

    /// @dev Statements 9 and 11. Rounds are looked at one by one, from the first to the one that would come next.
    function _roundsStand(address asset) private view {
        uint256 open = _openRound(asset);
        require(
            _read(address(pool), IRewardPool.openRound.selector, uint160(asset)) == open,
            "11: one round is open, the next after those that have closed"
        );
        (uint256 closed, uint128 amount, uint40 closedAt) = pool.closedRound(asset);
        require(closed == _closedRound(asset), "11: one closed round at most is not final");
        require(closed == 0 || closedAt == _closing(asset), "a round closes with its epoch, or with the one before");
        require(closed != 0 || (amount == 0 && closedAt == 0), "no closed round has neither amount nor time");

        uint256 round = 1 + ((calls / 3) % (open + 1));
        uint256 id = _bucketId(round, asset);
        (uint128 weight, , bool isFinal) = pool.bucket(id);
        require(weight == buckets[id].weight, "9: the weight of a closed round never changes");
        require(round >= open || weight != 0, "11: rounds have no gaps");
        require(isFinal == (round < open && round != closed), "11: every round before the closed one is final");
        address miner = _miner(calls % MINERS);
        require(pool.weightOf(id, miner) == weights[id][miner], "9: a miner's weight in a closed round never changes");
    }

    /// @dev A lot is what its bucket weighs, less what was sold; its clock and its reference follow from the lot before.
    function _lotIsAsSold(address asset) private view {
        Auction storage auction = auctions[asset];
        uint256 round = _closedRound(asset);
        if (round == 0) return;

        Lot memory lot;
        _readTo(_place(lot), 5, address(controller), IBuybackBurnController.lot.selector, uint160(asset));
        uint256 amount = buckets[_bucketId(round, asset)].weight;
        require(lot.round == round, "the closed round is for sale");
        require(lot.amount == amount && lot.remaining == amount - auction.sold, "a lot is its bucket, less its fills");
        require(lot.startedAt == _closing(asset), "a lot's clock starts when its round closes");
        require(lot.referencePrice == auction.reference_, "the reference follows the lots sold");
        if (auction.seenRound == round) {
            uint256 price = _read(address(controller), IBuybackBurnController.price.selector, uint160(asset));
            require(price <= auction.seenPrice, "the price of a lot never rises");
        }
    }

    /// @dev Statement 9, and 6: no more is claimed than was rewarded.
    function _bucketStands() private view {
        if (finals.length == 0) return;
        uint256 id = finals[calls % finals.length];
        Bucket storage expected = buckets[id];
        (uint128 weight, uint128 reward, bool isFinal) = pool.bucket(id);
        require(isFinal && weight == expected.weight && reward == expected.reward, "9: a final bucket never changes");
        require(expected.claimed <= reward, "6: a bucket pays at most its reward");
    }

    /// @dev Statement 5 for one order: it keeps what it was opened with and what receipts have earned.
    function _orderStands() private view {
        if (jobs.length == 0) return;
        Job storage job = jobs[calls % jobs.length];
        uint256 id = job.id;
        Order memory order;
        _readTo(_place(order), 10, address(escrow), IComputeEscrow.order.selector, id);
        require(order.deposit == job.deposit && order.earned == job.earned, "5: an order's deposit and earnings");
        require(order.tuSettled == job.settled && job.settled <= job.tu, "an order settles at most what it buys");
        require(order.startedAt == job.startedAt && order.endsAt == job.endsAt, "an order's times");
        require(
            _read(address(escrow), IERC721.ownerOf.selector, id) == uint160(job.holder),
            "an order stays with its holder"
        );
        (uint128 refund, uint40 from) = escrow.refundable(id);
        require(refund == job.deposit - job.earned, "5: what closing refunds is what is left of the deposit");
        require(from <= job.endsAt + MAX_HOLD + FREEZE_DURATION + 2 * GRACE, "nobody holds up a closing for longer");
        require(from == 0 || from >= job.endsAt + GRACE, "an order not fully delivered has a grace");
        require((from == 0) == (job.settled == job.tu), "an order fully delivered can be closed at once");
    }

    /// @dev Whoever may have its place now. And all open orders are somebody's, each once.
    function _closedOrderIsGone() private view {
        uint256 held = _ordersOf(permitRenter);
        for (uint256 i = 0; i < RENTERS; ++i) held += _ordersOf(_renter(i));
        require(held == jobs.length, "holders have as many orders as are open");
        if (closed.length == 0) return;
        uint256 id = closed[calls % 4 == 0 ? calls % closed.length : closed.length - 1 - ((calls % 8) % closed.length)];
        try escrow.order(id) {
            revert("a closed order is unknown");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IComputeEscrow.Escrow_UnknownOrder.selector, "a closed order is unknown");
        }
        (bool isHeld, ) = address(escrow).staticcall(abi.encodeCall(IERC721.ownerOf, id));
        require(!isHeld, "a closed order is nobody's");
    }

    function _ordersOf(address holder) private view returns (uint256) {
        return _read(address(escrow), IERC721.balanceOf.selector, uint160(holder));
    }

    /// @dev What is final or vetoed stays so for ever.
    function _rootStands() private view {
        if (batches.length == 0) return;
        Batch storage batch = batches[calls % batches.length];
        (RootStatus status, ) = oracle.status(batch.root);
        require(status == _statusOf(batch), "a root's status follows from its window, its vetoes and its signers");
    }

    function _nodeStands() private view {
        Machine storage machine = machines[calls % machines.length];
        (address payout, uint40 from, uint40 until, uint256 rate) = registry.standing(machine.id);
        require(payout == machine.payout && rate == machine.rate, "a node's payout and rate");
        bool counts = machine.pendingFrom != 0 && machine.pendingFrom <= block.timestamp;
        require(from == (counts ? machine.pendingFrom : machine.attestedFrom), "a node's attestation begins");
        require(until == (counts ? machine.pendingUntil : machine.attestedUntil), "a node's attestation ends");
    }
}
