// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { ITUReceiptOracle, Signature } from "../../../contracts/interfaces/ITUReceiptOracle.sol";
import { Signing } from "./Signing.sol";

/// @notice Miners: their nodes, what these offer, and their attestations.
abstract contract Mining is Signing {
    uint256 private constant FIRST_NODES = 4;
    uint256 private constant MAX_ATTESTATION = 90 days;

    bytes32 private constant NODE_ATTESTATION_TYPEHASH = keccak256(
        "NodeAttestation(uint256 nodeId,uint40 validUntil,bytes32 evidence,uint64 signerSetVersion)"
    );
    bytes32 private constant RATING_ATTESTATION_TYPEHASH = keccak256(
        "RatingAttestation(bytes32 gpuModel,uint32[7] imagesPerSecondE3,bytes32 evidence,uint64 signerSetVersion)"
    );

    constructor() {
        for (uint256 i = 0; i < FIRST_NODES; ++i) {
            _register(_miner(i), "V100", 3, 1.85e18, 1_024 >> (2 * i));
            _attest(machines[i], MAX_ATTESTATION);
            for (uint256 j = 0; j < assets.length; ++j) _list(machines[i], assets[j]);
        }
        vm.warp(block.timestamp + VETO_WINDOW);
    }

    /* REGISTERING */

    /// @dev Of a model rated at genesis, or of one that the quorum rates now; mostly attested and listed at once.
    function registerNode() internal action("register a node") {
        uint256 way = _draw(4);
        if (way == 0) {
            if (!_rate()) return;
        } else if (way == 1) {
            _register(_miner(_draw(MINERS)), "RTX 2080 Ti", 7, 1.35e18, 1 + _draw(1_024));
        } else {
            _register(_miner(_draw(MINERS)), "GTX 1080 Ti", 1, 1e18, 1 + _draw(1_024));
        }
        Machine storage machine = machines[machines.length - 1];
        if (!_isFrozen() && _draw(8) != 0) _attest(machine, _scaled(MAX_ATTESTATION / 2) + MAX_ATTESTATION / 3);
        address asset = _drawAsset();
        if (!isDelisted[asset]) _list(machine, asset);
    }

    function _register(address owner, string memory model, uint256 index, uint256 rating, uint256 gpuCount) private {
        vm.prank(owner);
        uint256 nodeId = registry.registerNode(keccak256(bytes(model)), gpuCount, owner, "ipfs://node");
        machines.push(
            Machine({
                id: nodeId,
                owner: owner,
                payout: owner,
                rate: rating * gpuCount,
                attestedFrom: 0,
                attestedUntil: 0,
                lapsedFrom: 0,
                lapsedUntil: 0,
                pendingFrom: 0,
                pendingUntil: 0,
                revokedUntil: 0
            })
        );
        require(nodeId == ((index << 32) | machines.length), "a node's id is its model's index and the next serial");
        machineOf[nodeId] = machines.length;
    }

    /// @dev A model that was not rated at genesis; and the first node of the one before it, whose rating counts now.
    function _rate() private returns (bool isDone) {
        if (ratedAt != 0 && block.timestamp >= ratedAt + VETO_WINDOW) {
            _register(_miner(_draw(MINERS)), _ratedModel(), ++modelCount, lastRating, 64);
            ratedAt = 0;
            return true;
        }
        if (ratedAt != 0) {
            _refuseNode();
            return false;
        }
        uint16[7] memory baseline = [209, 81, 136, 58, 134, 2762, 108];
        uint32[7] memory measured;
        uint256 sum = 0;
        for (uint256 i = 0; i < 7; ++i) {
            measured[i] = uint32(1 + _draw(uint256(baseline[i]) * 4_000));
            sum += (uint256(measured[i]) * 1e18) / baseline[i];
        }
        bytes32 gpuModel = keccak256(bytes(_ratedModel()));
        bytes memory call_ = abi.encodeCall(
            INodeRegistry.attestRating,
            (gpuModel, measured, gpuModel, _sign(_ratingHash(gpuModel, measured)))
        );
        if (_isFrozen()) {
            _refused(STRANGER, address(registry), call_, ITUReceiptOracle.Oracle_Frozen.selector);
            return false;
        }
        (isDone, ) = address(registry).call(call_);
        require(isDone, "a quorum can rate a new model");
        _saw("rated a model");
        (ratedAt, lastRating) = (block.timestamp, sum / 7_000);
        _refuseNode();
        return false;
    }

    /// @dev Its rating is pending.
    function _refuseNode() private {
        bytes memory call_ = abi.encodeCall(
            INodeRegistry.registerNode,
            (keccak256(bytes(_ratedModel())), 1, STRANGER, "ipfs://node")
        );
        _refused(STRANGER, address(registry), call_, INodeRegistry.Registry_UnratedModel.selector);
    }

    function _ratingHash(bytes32 gpuModel, uint32[7] memory measured) private view returns (bytes32) {
        bytes32 measurements = keccak256(abi.encode(measured));
        return keccak256(abi.encode(RATING_ATTESTATION_TYPEHASH, gpuModel, measurements, gpuModel, version));
    }

    /* ATTESTING */

    function attestNode() internal action("attest a node") {
        Machine storage machine = _machine();
        Machine storage other = _machine();
        if (other.attestedUntil < machine.attestedUntil) machine = other;
        uint256 earliest = _earliest(machine);
        uint256 until = block.timestamp + _scaled(MAX_ATTESTATION);
        if (until < earliest && _draw(8) != 0) until = earliest;
        if (until > block.timestamp + MAX_ATTESTATION) until = block.timestamp + MAX_ATTESTATION;
        if (_isFrozen() || until < earliest) return _refuseAttestation(machine, until, earliest);
        if (_isRenewable(machine)) _saw("renewed an attestation");
        else if (machine.pendingFrom != 0) _saw("prolonged a pending attestation");
        else if (machine.attestedUntil != 0) _saw("attested anew after a lapse");
        _attest(machine, until - block.timestamp);
    }

    /// @dev After whatever it renews or prolongs, and after what was revoked; not before it counts.
    function _earliest(Machine storage machine) private view returns (uint256 earliest) {
        if (_isRenewable(machine)) earliest = machine.attestedUntil + 1;
        else if (machine.pendingFrom != 0) earliest = machine.pendingUntil + 1;
        else earliest = block.timestamp + VETO_WINDOW;
        if (earliest <= machine.revokedUntil) earliest = machine.revokedUntil + 1;
    }

    function _refuseAttestation(Machine storage machine, uint256 until, uint256 earliest) private {
        bytes4 reason =
            until < earliest
                ? INodeRegistry.Registry_ValidityOutOfBounds.selector
                : ITUReceiptOracle.Oracle_Frozen.selector;
        bytes memory call_ = abi.encodeCall(
            INodeRegistry.attestNode,
            (machine.id, uint40(until), 0, _sign(_attestationHash(machine.id, until)))
        );
        _refused(STRANGER, address(registry), call_, reason);
    }

    function _attest(Machine storage machine, uint256 duration) private {
        uint256 until = block.timestamp + duration;
        Signature[] memory signatures = _sign(_attestationHash(machine.id, until));
        registry.attestNode(machine.id, uint40(until), 0, signatures);

        if (_isRenewable(machine)) {
            machine.attestedUntil = until;
            return;
        }
        if (machine.pendingFrom == 0) machine.pendingFrom = block.timestamp + VETO_WINDOW;
        machine.pendingUntil = until;
    }

    function _attestationHash(uint256 nodeId, uint256 until) private view returns (bytes32) {
        return keccak256(abi.encode(NODE_ATTESTATION_TYPEHASH, nodeId, until, bytes32(0), version));
    }

    /* OFFERING */

    function setListing() internal action("list a node") {
        Machine storage machine = _machine();
        address asset = _drawAsset();
        if (!isDelisted[asset]) return _list(machine, asset);
        bytes memory call_ = abi.encodeCall(INodeRegistry.setListing, (machine.id, asset, 1, 1));
        _refused(machine.owner, address(registry), call_, INodeRegistry.Registry_AssetNotListed.selector);
    }

    function _list(Machine storage machine, address asset) private {
        uint256 unitPrice = _draw(12) == 0 ? 0 : _scaled(_most(asset) / 50 + 1);
        uint256 capacity = _scaled(20_000e18);
        vm.prank(machine.owner);
        registry.setListing(machine.id, asset, uint128(unitPrice), uint128(capacity));
        offers[machine.id][asset] = Offer(unitPrice, capacity);
    }

    function setPayout() internal action("change a payout") {
        Machine storage machine = _machine();
        address payout = _miner(_draw(MINERS));
        vm.prank(machine.owner);
        registry.setPayout(machine.id, payout);
        machine.payout = payout;
    }
}
