// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Receipt } from "../../../contracts/interfaces/IComputeEscrow.sol";
import { ITUReceiptOracle, RootStatus, Signature } from "../../../contracts/interfaces/ITUReceiptOracle.sol";
import { ReceiptTree } from "../ReceiptTree.sol";
import { Signing } from "./Signing.sol";

/// @notice The oracle: receipts of what nodes deliver, signed by the quorum and submitted by anyone.
abstract contract Measuring is Signing {
    uint256 private constant MOST_RECEIPTS = 6;

    bytes32 private constant RECEIPT_BATCH_TYPEHASH = keccak256(
        "ReceiptBatch(bytes32 receiptsRoot,bytes32 dataHash,uint64 signerSetVersion)"
    );
    bytes32 private constant DATA_HASH = keccak256("receipt file");

    mapping(bytes32 root => uint256) private placeOfRoot; // in `batches`, from 1

    /* SUBMITTING */

    /// @dev As a network does at the end of an epoch: what several orders in one asset have had.
    function submitEpoch() internal action("submit an epoch's receipts") {
        if (jobs.length == 0) return _idle();
        Receipt[] memory receipts = new Receipt[](2 + _draw(MOST_RECEIPTS - 1));
        address asset = jobs[_draw(jobs.length)].asset;
        for (uint256 i = 0; i < receipts.length; ++i) {
            receipts[i] = _receipt(_unfinished(asset));
            if (_draw(2) == 0) receipts[i].cumulativeTU = uint96(MOST_TU);
        }
        _submit(receipts);
    }

    /// @dev One order after another, each with receipts that follow on each other.
    function submitSeries() internal action("submit series of receipts") {
        if (jobs.length == 0) return _idle();
        Receipt[] memory receipts = new Receipt[](1 + _draw(MOST_RECEIPTS));
        for (uint256 i = 0; i < receipts.length; ++i) {
            if (i == 0 || _draw(4) == 0) receipts[i] = _receipt(_unfinished(_drawAsset()));
            else receipts[i] = _sequel(receipts[i - 1]);
        }
        _submit(receipts);
    }

    /// @dev Or what was submitted before, once more.
    function submitOne() internal action("submit a receipt") {
        if (batches.length != 0 && _draw(6) == 0) return _resubmit();
        if (jobs.length == 0) return _idle();
        Receipt[] memory receipts = new Receipt[](1);
        receipts[0] = _receipt(_unfinished(_drawAsset()));
        _submit(receipts);
    }

    function _submit(Receipt[] memory receipts) private {
        bytes32 root = ReceiptTree.build(receipts)[0];
        if (placeOfRoot[root] != 0) return _submitAgain(batches[placeOfRoot[root] - 1]);
        if (_isFrozen()) return _refuse(root, _signBatch(root), ITUReceiptOracle.Oracle_Frozen.selector);
        oracle.submit(root, DATA_HASH, _signBatch(root));

        batches.push();
        placeOfRoot[root] = batches.length;
        Batch storage batch = batches[batches.length - 1];
        _stamp(batch);
        batch.root = root;
        for (uint256 i = 0; i < receipts.length; ++i) batch.receipts.push(receipts[i]);
    }

    function _resubmit() private {
        uint256 place = _findBatch(RootStatus.Expired);
        _submitAgain(batches[place == 0 ? _draw(batches.length) : place - 1]);
    }

    /// @dev What expired with its signers may be signed and submitted again; nothing else that was submitted may.
    function _submitAgain(Batch storage batch) private {
        bool isExpired = _statusOf(batch) == RootStatus.Expired;
        if (!isExpired) return _refuse(batch.root, _signBatch(batch.root), ITUReceiptOracle.Oracle_KnownRoot.selector);
        if (_isFrozen()) return _refuse(batch.root, _signBatch(batch.root), ITUReceiptOracle.Oracle_Frozen.selector);

        oracle.submit(batch.root, DATA_HASH, _signBatch(batch.root));
        _stamp(batch);
        _saw("submitted an expired root again");
    }

    /// @dev Too few signatures, signers that are not in force, signatures under a former set.
    function _forgeSignatures() internal {
        bytes32 root = keccak256(abi.encode("forged", calls));
        uint256 way = _draw(3);
        if (_isFrozen()) return _refuse(root, _signBatch(root), ITUReceiptOracle.Oracle_Frozen.selector);
        if (way == 0) {
            Signature[] memory tooFew = _signAs(_batchHash(root, version), firstSigner, quorum - 1);
            return _refuse(root, tooFew, ITUReceiptOracle.Oracle_TooFewSignatures.selector);
        }
        if (way == 1) {
            Signature[] memory former = _signAs(_batchHash(root, version - 1), firstSigner, quorum);
            return _refuse(root, former, ITUReceiptOracle.Oracle_InvalidSignature.selector);
        }
        // the first or the last of all is in force at a time, never both
        uint256 first = firstSigner == 0 ? signerKeys.length - quorum : 0;
        Signature[] memory strangers = _signAs(_batchHash(root, version), first, quorum);
        _refuse(root, strangers, ITUReceiptOracle.Oracle_NotSigner.selector);
    }

    function _signBatch(bytes32 root) private returns (Signature[] memory) {
        return _sign(_batchHash(root, version));
    }

    function _batchHash(bytes32 root, uint256 signerSetVersion) private pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_BATCH_TYPEHASH, root, DATA_HASH, signerSetVersion));
    }

    function _refuse(bytes32 root, Signature[] memory signatures, bytes4 reason) private {
        bytes memory call_ = abi.encodeCall(ITUReceiptOracle.submit, (root, DATA_HASH, signatures));
        _refused(STRANGER, address(oracle), call_, reason);
    }

    function _stamp(Batch storage batch) private {
        (batch.submittedAt, batch.version, batch.freezes) = (block.timestamp, version, freezes.length);
    }

    /* MEASURING */

    /// @dev Of a few orders one in this asset of which something is left to be delivered, if there is any.
    function _unfinished(address asset) private returns (Job storage job) {
        job = jobs[_draw(jobs.length)];
        for (uint256 i = 0; i < 3 && (job.asset != asset || job.settled == job.tu); ++i) job = jobs[_draw(jobs.length)];
    }

    /// @dev Mostly as honest signers would measure, at the order's end at the latest; now and then of an order or a node
    /// that cannot be meant, measured after the end, in the future, or before the order was opened.
    function _receipt(Job storage job) private returns (Receipt memory receipt) {
        receipt.orderId = _draw(24) == 0 ? job.id + 1 + _draw(8) : job.id;
        receipt.nodeId = job.nodeId == 0 || _draw(16) == 0 ? _workingMachine().id : job.nodeId;
        uint256 t = block.timestamp;
        if (_draw(3) == 0) t -= _scaled(t < job.startedAt + 2 days ? t - job.startedAt + 1 : 2 days);
        if (t > job.endsAt && _draw(12) != 0) t = job.endsAt;
        if (_draw(24) == 0) t = block.timestamp + 1 + _draw(1 days);
        receipt.measuredAt = uint40(t);
        receipt.cumulativeTU = _cumulative(job, receipt.nodeId, t);
    }

    function _cumulative(Job storage job, uint256 nodeId, uint256 t) private returns (uint96) {
        uint256 way = _draw(8);
        if (way == 0) return uint96(_scaled(job.tu));
        if (way == 1) return uint96(pairs[job.id][nodeId].settled + 1 + _draw(10));
        if (way == 2) return uint96(job.tu + _scaled(job.tu));
        uint256 ran = t > job.startedAt ? t - job.startedAt : 0;
        return uint96((machines[machineOf[nodeId] - 1].rate * ran * (90 + _draw(30))) / 100 days);
    }

    /// @dev A later receipt of the same node on the same order, or an earlier one.
    function _sequel(Receipt memory last) private returns (Receipt memory receipt) {
        (receipt.orderId, receipt.nodeId) = (last.orderId, last.nodeId);
        uint256 t = uint256(last.measuredAt) + _scaled(12 hours);
        if (t > block.timestamp) t = block.timestamp - _draw(1 hours);
        receipt.measuredAt = uint40(t);
        receipt.cumulativeTU = uint96((uint256(last.cumulativeTU) * (50 + _draw(200))) / 100);
    }
}
