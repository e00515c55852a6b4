// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Acknowledgement, IComputeEscrow } from "../../../contracts/interfaces/IComputeEscrow.sol";
import { Settling } from "./Settling.sol";

/// @notice Those who would be refunded: they acknowledge what their orders' nodes have delivered, by key or by calling.
abstract contract Acknowledging is Settling {
    bytes32 private constant ACKNOWLEDGEMENT_TYPEHASH = keccak256(
        "Acknowledgement(uint256 orderId,uint96 cumulativeTU)"
    );

    /// @dev Some orders at once, some of them twice, closed or in another asset.
    function acknowledge() internal action("acknowledge orders") {
        if (jobs.length == 0) return _idle();
        Job storage job = jobs[_draw(jobs.length)];
        for (uint256 i = 0; i < 6 && job.nodeId == 0; ++i) job = jobs[_draw(jobs.length)];
        address caller = _draw(2) == 0 ? STRANGER : _refundee(job);
        Acknowledgement[] memory all = new Acknowledgement[](1 + _draw(3));
        all[0] = _acknowledgement(job.id, job.tu);
        for (uint256 i = 1; i < all.length; ++i) {
            Job storage other = jobs[_draw(jobs.length)];
            all[i] = _acknowledgement(_draw(12) == 0 ? other.id + 1 : other.id, other.tu);
        }

        vm.prank(caller);
        uint256 gasBefore = gasleft();
        escrow.settleAcknowledged(job.asset, all);
        _bounded(gasBefore, 150_000 + 120_000 * all.length);

        address asset = job.asset;
        uint256 total = 0;
        for (uint256 i = 0; i < all.length; ++i) total += _earnAcknowledged(all[i], asset, caller);
        if (total != 0) _addToBucket(asset, total);
    }

    /// @dev Signed by the permit renter, the only holder with a key here, rarely for other TU; or not, for the caller.
    function _acknowledgement(uint256 orderId, uint256 most) private returns (Acknowledgement memory given) {
        given.orderId = orderId;
        given.cumulativeTU = uint96(_draw(4) == 0 ? most + _draw(3) : _scaled(most));
        if (_draw(2) == 0) return given;

        uint256 signed = _draw(12) == 0 ? given.cumulativeTU + 1 : given.cumulativeTU;
        bytes32 structHash = keccak256(abi.encode(ACKNOWLEDGEMENT_TYPEHASH, orderId, signed));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", _domainSeparator(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = _signWith(PERMIT_KEY, digest);
        given.signature = signed == given.cumulativeTU ? abi.encodePacked(r, s, v) : abi.encodePacked(r, s);
    }

    function _domainSeparator() private view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                    keccak256("TuringFog ComputeEscrow"),
                    keccak256("1"),
                    block.chainid,
                    address(escrow)
                )
            );
    }

    function _refundee(Job storage job) private view returns (address) {
        return job.refundTo == address(0) ? job.holder : job.refundTo;
    }

    /// @dev What an acknowledgement earns its order's node, by the rule of the specification.
    function _earnAcknowledged(
        Acknowledgement memory given,
        address asset,
        address caller
    ) internal returns (uint256 earned) {
        if (_assetOf(given.orderId) != asset || placeOf[given.orderId] == 0) return 0;
        Job storage job = jobs[placeOf[given.orderId] - 1];
        if (job.nodeId == 0) return _passOver("acknowledged a joint order");
        address signer = given.signature.length == 0 ? caller : permitRenter;
        bool isNone = given.signature.length == 64;
        if (isNone || signer != _refundee(job)) return _passOver("acknowledged by another");
        uint256 tu = given.cumulativeTU > job.tu ? job.tu : given.cumulativeTU;
        Pair storage pair = pairs[job.id][job.nodeId];
        if (tu <= pair.settled) return _passOver("acknowledged nothing new");

        _saw(given.signature.length == 0 ? bytes32("acknowledged by calling") : bytes32("acknowledged by key"));
        if (_isFrozen()) _saw("acknowledged while frozen");
        if (block.timestamp > job.endsAt) _saw("acknowledged after the end");
        earned = (tu * job.unitPrice) / TU - pair.earned;
        job.settled = tu;
        job.earned += earned;
        pair.settled = tu;
        pair.earned += earned;
        if (earned != 0)
            _addWeight(_bucketId(_openRound(asset), asset), machines[machineOf[job.nodeId] - 1].payout, earned);
    }

    function _passOver(bytes32 reason) private returns (uint256) {
        _saw(reason);
        return 0;
    }
}
