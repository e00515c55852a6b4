// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IComputeEscrow, Order, Receipt } from "../../../contracts/interfaces/IComputeEscrow.sol";
import { ITUReceiptOracle, RootStatus } from "../../../contracts/interfaces/ITUReceiptOracle.sol";
import { World } from "../World.sol";
import { ReceiptTree } from "../ReceiptTree.sol";

/// @notice Keepers: receipts settle against final roots, one by one or many at once, late, again and in any order.
abstract contract Settling is World {
    using ReceiptTree for bytes32[];

    /// @dev What settling leaves behind, reverted with so that nothing of it stays.
    error Settled(bytes32 books);

    function settleSome() internal action("settle some receipts") {
        if (batches.length == 0) return _idle();
        Batch storage batch = _drawBatch();
        uint256 count = batch.receipts.length;
        _settle(batch, _draw(2) == 0 ? _one(_draw(count)) : _some(count, 1 + _draw(2 ** count - 1)));
    }

    function settleAll() internal action("settle all receipts") {
        if (batches.length == 0) return _idle();
        Batch storage batch = _drawBatch();
        _settle(batch, _some(batch.receipts.length, 2 ** batch.receipts.length - 1));
    }

    /// @dev A final one if there is any near, and better one that was not tried before.
    function _drawBatch() private returns (Batch storage batch) {
        uint256 count = batches.length;
        uint256 near = count < 10 ? count : 10;
        batch = batches[_draw(count)];
        if (_draw(12) == 0) return batch;
        for (uint256 i = 0; i < 5 && (batch.isTried || _statusOf(batch) != RootStatus.Final); ++i) {
            batch = batches[count - 1 - _draw(near)];
        }
        if (_statusOf(batch) == RootStatus.Final) return batch;
        uint256 place = _findBatch(RootStatus.Final);
        return batches[place == 0 ? _draw(count) : place - 1];
    }

    function _one(uint256 index) private pure returns (uint256[] memory chosen) {
        chosen = new uint256[](1);
        chosen[0] = index;
    }

    function _some(uint256 count, uint256 mask) private pure returns (uint256[] memory chosen) {
        chosen = new uint256[](count);
        uint256 length = 0;
        for (uint256 i = 0; i < count; ++i) if ((mask >> i) & 1 == 1) chosen[length++] = i;
        assembly ("memory-safe") {
            mstore(chosen, length)
        }
    }

    function _settle(Batch storage batch, uint256[] memory chosen) private {
        address asset = _assetOf(batch.receipts[chosen[_draw(chosen.length)]].orderId);
        if (_isFrozen() || _statusOf(batch) != RootStatus.Final) {
            bytes4 reason =
                _isFrozen() ? ITUReceiptOracle.Oracle_Frozen.selector : ITUReceiptOracle.Oracle_NotFinal.selector;
            return _refused(STRANGER, address(escrow), _settlement(batch, asset, chosen), reason);
        }

        bytes memory call_ = _settlement(batch, asset, chosen);
        vm.prank(STRANGER);
        uint256 gasBefore = gasleft();
        (bool isDone, ) = address(escrow).call(call_);
        _bounded(gasBefore, 150_000 + 120_000 * chosen.length);
        require(isDone, "receipts of a final root settle");

        batch.isTried = true;
        _expect(batch, asset, chosen);
    }

    function _settlement(
        Batch storage batch,
        address asset,
        uint256[] memory chosen
    ) private view returns (bytes memory) {
        bytes32[] memory tree = ReceiptTree.build(batch.receipts);
        (bytes32[] memory proof, bool[] memory flags) = tree.multiproof(chosen);
        Receipt[] memory receipts = new Receipt[](chosen.length);
        for (uint256 i = 0; i < chosen.length; ++i) receipts[i] = batch.receipts[chosen[i]];
        return abi.encodeCall(IComputeEscrow.settle, (asset, tree[0], receipts, proof, flags));
    }

    /* WHAT A SETTLEMENT OWES */

    function _expect(Batch storage batch, address asset, uint256[] memory chosen) private {
        uint256 id = _bucketId(_openRound(asset), asset);
        uint256 total = 0;
        for (uint256 i = 0; i < chosen.length; ++i) {
            Receipt memory receipt = batch.receipts[chosen[i]];
            uint256 earned = _earn(receipt, asset, batch.submittedAt);
            if (earned == 0) continue;
            total += earned;
            _addWeight(id, machines[machineOf[receipt.nodeId] - 1].payout, earned);
            if (receipt.measuredAt / EPOCH_LENGTH < _epoch()) _saw("late receipt");
        }
        if (total != 0) _addToBucket(asset, total);
        for (uint256 i = 0; i < chosen.length; ++i) _checkSettled(batch.receipts[chosen[i]], asset);
        if (chosen.length > 1 && total != 0) _saw("settled several receipts at once");
    }

    /// @dev What a receipt earns its node, by the rule of the specification.
    function _earn(Receipt memory receipt, address asset, uint256 submittedAt) private returns (uint256 earned) {
        if (_assetOf(receipt.orderId) != asset) return _skip("skipped for another asset");
        if (placeOf[receipt.orderId] == 0) return _skip("skipped for no open order");
        Job storage job = jobs[placeOf[receipt.orderId] - 1];
        if (job.nodeId != 0 && job.nodeId != receipt.nodeId) return _skip("skipped for the wrong node");
        if (receipt.measuredAt < job.startedAt) return _skip("skipped for before the start");
        if (receipt.measuredAt > submittedAt) return _skip("skipped for after the submission");
        if (receipt.measuredAt > job.endsAt) return _skip("skipped for after the end");
        uint256 t = receipt.measuredAt;
        Machine storage machine = machines[machineOf[receipt.nodeId] - 1];
        _ripen(machine);
        if (!_isAttested(machine, t)) return _skip("skipped for not attested");
        if (job.nodeId == 0 && !_isAttested(machine, job.startedAt)) return _skip("skipped for attested too late");

        Pair storage pair = pairs[job.id][receipt.nodeId];
        uint256 tu = _payable(receipt.cumulativeTU, job, pair, (machine.rate * 11 * (t - job.startedAt)) / 10 days);
        if (tu <= pair.settled) return _skip("skipped for nothing new");

        earned = (tu * job.unitPrice) / TU - pair.earned;
        if (job.settled != pair.settled) _saw("joint order shared by nodes");
        job.settled += tu - pair.settled;
        job.earned += earned;
        pair.settled = tu;
        pair.earned += earned;
        if (job.settled == job.tu) _saw("order fully delivered");
    }

    function _skip(bytes32 reason) private returns (uint256) {
        _saw(reason);
        return 0;
    }

    function _payable(
        uint256 cumulativeTU,
        Job storage job,
        Pair storage pair,
        uint256 attainable
    ) private returns (uint256 tu) {
        tu = cumulativeTU;
        if (tu > attainable) {
            tu = attainable;
            _saw("paid up to the rated speed");
        }
        uint256 left = job.tu - (job.settled - pair.settled);
        if (tu > left) {
            tu = left;
            _saw("paid up to the order's rest");
        }
    }

    function _isAttested(Machine storage machine, uint256 t) private returns (bool) {
        if (machine.attestedFrom != 0 && machine.attestedFrom <= t && t <= machine.attestedUntil) return true;
        bool was = machine.lapsedFrom <= t && t <= machine.lapsedUntil;
        if (was) _saw("receipt from before a lapse");
        return was;
    }

    function _addWeight(uint256 id, address miner, uint256 amount) internal {
        if (id >> 160 > 10 && weights[id - (10 << 160)][miner] != 0) _saw("unclaimed ten rounds before");
        if (weights[id][miner] == 0) {
            ++buckets[id].miners;
            ++buckets[id].unclaimed;
            bucketsOf[miner].push(id);
        }
        weights[id][miner] += amount;
    }

    function _addToBucket(address asset, uint256 amount) internal {
        uint256 round = _openRound(asset);
        Bucket storage bucket = buckets[_bucketId(round, asset)];
        if (bucket.weight == 0) {
            (auctions[asset].opened, bucket.openedAt) = (round, block.timestamp);
            if (_closedRound(asset) != 0) _saw("opened behind a closed round");
        }
        bucket.weight += amount;
        books[asset].earned += amount;
    }

    function _checkSettled(Receipt memory receipt, address asset) private view {
        uint256 id = _bucketId(_openRound(asset), asset);
        (uint128 weight, , bool isFinal) = pool.bucket(id);
        require(weight == buckets[id].weight && !isFinal, "9: what settles now is in the open round");
        if (placeOf[receipt.orderId] == 0) return;
        uint256 settled = escrow.settledTU(receipt.orderId, receipt.nodeId);
        require(settled == pairs[receipt.orderId][receipt.nodeId].settled, "a node's TU on an order");
        Order memory order = escrow.order(receipt.orderId);
        require(order.earned == jobs[placeOf[receipt.orderId] - 1].earned, "5: an order's earnings");
        if (machineOf[receipt.nodeId] == 0) return;
        address payout = machines[machineOf[receipt.nodeId] - 1].payout;
        require(pool.weightOf(id, payout) == weights[id][payout], "a miner's weight is what his receipts earned");
    }

    /* STATEMENT 7 */

    /// @dev One after the other forwards and backwards, twice over, and all at once.
    function settleInAnyOrder() internal action("compare orders of settling") {
        uint256 place = _findBatch(RootStatus.Final);
        if (place == 0 || _isFrozen()) return _idle();
        Batch storage batch = batches[place - 1];
        Receipt memory first = batch.receipts[_draw(batch.receipts.length)];
        uint256[] memory series = _seriesOf(batch, first);

        bytes32 forwards = _booksAfter(batch, series, 0);
        require(forwards == _booksAfter(batch, series, 1), "7: receipts settle the same backwards");
        require(forwards == _booksAfter(batch, series, 2), "7: receipts settle the same twice over");
        require(forwards == _booksAfter(batch, series, 3), "7: receipts settle the same at once");
        if (series.length > 1) _saw("compared several receipts");
    }

    /// @dev All of a batch that are of one node on one order.
    function _seriesOf(Batch storage batch, Receipt memory first) private view returns (uint256[] memory) {
        uint256 mask = 0;
        for (uint256 i = 0; i < batch.receipts.length; ++i) {
            Receipt storage receipt = batch.receipts[i];
            if (receipt.orderId == first.orderId && receipt.nodeId == first.nodeId) mask |= 1 << i;
        }
        return _some(batch.receipts.length, mask);
    }

    function _booksAfter(Batch storage batch, uint256[] memory series, uint256 way) private returns (bytes32) {
        bytes[] memory calls_ = new bytes[](
            way == 3
                ? 1
                : way == 2
                    ? 2 * series.length
                    : series.length
        );
        address asset = _assetOf(batch.receipts[series[0]].orderId);
        for (uint256 i = 0; i < calls_.length; ++i) {
            uint256 place = way == 1 ? series.length - 1 - i : i % series.length;
            calls_[i] = _settlement(batch, asset, way == 3 ? series : _one(series[place]));
        }
        try this.settleAndRevert(calls_, batch.receipts[series[0]]) {} catch (bytes memory answer) {
            require(bytes4(answer) == Settled.selector, "receipts of a final root settle");
            return bytes32(_tail(answer));
        }
        revert("unreachable");
    }

    function _tail(bytes memory answer) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(answer, 0x24))
        }
    }

    /// @dev For {settleInAnyOrder} alone.
    function settleAndRevert(bytes[] calldata calls_, Receipt calldata receipt) external {
        for (uint256 i = 0; i < calls_.length; ++i) {
            (bool isDone, ) = address(escrow).call(calls_[i]);
            require(isDone, "receipts of a final root settle");
        }
        address asset = _assetOf(receipt.orderId);
        uint256 id = _bucketId(_openRound(asset), asset);
        (uint128 weight, , ) = pool.bucket(id);
        address payout = machineOf[receipt.nodeId] == 0 ? address(0) : machines[machineOf[receipt.nodeId] - 1].payout;
        uint256 settled = placeOf[receipt.orderId] == 0 ? 0 : escrow.settledTU(receipt.orderId, receipt.nodeId);
        revert Settled(
            keccak256(
                abi.encode(
                    escrow.liabilities(asset),
                    _balance(asset, address(escrow)),
                    _balance(asset, address(controller)),
                    weight,
                    pool.weightOf(id, payout),
                    settled
                )
            )
        );
    }
}
