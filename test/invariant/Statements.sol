// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Lot } from "../../contracts/interfaces/IBuybackBurnController.sol";
import { Order } from "../../contracts/interfaces/IComputeEscrow.sol";
import { RootStatus } from "../../contracts/interfaces/ITUReceiptOracle.sol";
import { Phase } from "../../contracts/libraries/SupplySchedule.sol";
import { World } from "./World.sol";

/// @notice What must hold after every call, in one pass. Balances are compared for equality, donations set apart, so a
/// unit too many is found as well as one too few. Of lists that grow, each pass looks at one place further on.
abstract contract Statements is World {
    /// @notice Reverts with the statement that does not hold.
    function check() external view {
        _supplyOnlyFalls();
        _releaseFollowsBurning();
        _circulationOnlyFalls();
        _poolHoldsItsRewards();
        for (uint256 i = 0; i < assets.length; ++i) {
            _escrowHoldsItsLiabilities(assets[i]);
            _controllerHoldsWhatIsUnsold(assets[i]);
        }
        _lotIsAsSold(assets[1 + (calls % 2)]);
        _bucketStands();
        _orderStands();
        _rootStands();
        _nodeStands();
    }

    /// @dev Statement 1.
    function _supplyOnlyFalls() private view {
        uint256 supply = tft.totalSupply();
        require(supply == NOMINAL - burned, "1: the supply is the nominal one less what was burned");
        require(supply <= supplyBefore, "1: nothing raises the supply");
        require(supply >= ULTIMATE, "1: the supply is never below the ultimate one");
        Phase expected =
            burned < E1
                ? Phase.ProductionMining
                : burned < E2
                    ? Phase.BuybackDistribution
                    : Phase.Mature;
        require(controller.phase() == expected, "1: the phase follows from what was burned");
    }

    /// @dev Statement 2.
    function _releaseFollowsBurning() private view {
        uint256 released = vault.released();
        require(released == _entitlement(burned), "2: 80 % of what was burned is released, up to the reserve");
        require(vault.operationsOwed() == operationsOwed, "2: operations are owed their share, less what was paid");
        require(
            tft.balanceOf(address(vault)) ==
                RESERVE - released + operationsOwed + donated[address(vault)][address(tft)],
            "2: the vault holds what is not released and what operations are owed"
        );
    }

    /// @dev Statement 3.
    function _circulationOnlyFalls() private view {
        uint256 circulating = tft.totalSupply() - vault.remaining();
        require(circulating <= circulatingBefore, "3: the circulating supply never rises");
    }

    /// @dev Statements 4 and 5: `paidIn` less `earned` and `refunded` is what open orders have left.
    function _escrowHoldsItsLiabilities(address asset) private view {
        Books storage sums = books[asset];
        uint256 open = sums.paidIn - sums.earned - sums.refunded;
        require(escrow.liabilities(asset) == open, "5: paid in is earned, refunded or still open, to the last unit");
        require(
            _balance(asset, address(escrow)) == open + donated[address(escrow)][asset],
            "4: the escrow holds what open orders have left"
        );
    }

    /// @dev Statement 4.
    function _controllerHoldsWhatIsUnsold(address asset) private view {
        require(
            _balance(asset, address(controller)) ==
                books[asset].earned - books[asset].sold + donated[address(controller)][asset],
            "4: the controller holds unsold lots and unburned buckets"
        );
    }

    /// @dev Statement 4.
    function _poolHoldsItsRewards() private view {
        require(
            tft.balanceOf(address(pool)) == rewarded - claimed + donated[address(pool)][address(tft)],
            "4: the pool holds unclaimed rewards"
        );
    }

    /// @dev A lot is what its bucket weighs, less what was sold; its clock and its reference follow from the lot before.
    function _lotIsAsSold(address asset) private view {
        Auction storage auction = auctions[asset];
        if (auction.next == auction.epochs.length || auction.epochs[auction.next] >= _epoch()) return;

        Lot memory lot = controller.lot(asset);
        uint256 epoch = auction.epochs[auction.next];
        uint256 amount = buckets[_bucketId(epoch, asset)].weight;
        require(lot.epoch == epoch, "the oldest ended epoch is for sale");
        require(lot.amount == amount && lot.remaining == amount - auction.sold, "a lot is its bucket, less its fills");
        require(lot.startedAt == _lotStart(auction), "a lot's clock starts with its turn");
        require(lot.referencePrice == auction.reference_, "the reference follows the lots sold");
        if (auction.seenEpoch == epoch) {
            require(controller.price(asset) <= auction.seenPrice, "the price of a lot never rises");
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
        Order memory order = escrow.order(job.id);
        require(order.deposit == job.deposit && order.earned == job.earned, "5: an order's deposit and earnings");
        require(order.tuSettled == job.settled && job.settled <= job.tu, "an order settles at most what it buys");
        require(order.startedAt == job.startedAt && order.endsAt == job.endsAt, "an order's times");
        require(escrow.ownerOf(job.id) == job.holder, "an order stays with its holder");
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
        require(from == machine.attestedFrom && until == machine.attestedUntil, "a node's attestation");
    }
}
