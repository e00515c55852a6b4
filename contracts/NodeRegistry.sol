// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IComputeEscrow } from "./interfaces/IComputeEscrow.sol";
import { System } from "./interfaces/IGenesis.sol";
import { INodeRegistry, Node } from "./interfaces/INodeRegistry.sol";
import { ITUReceiptOracle, Signature } from "./interfaces/ITUReceiptOracle.sol";
import { NodeId } from "./libraries/NodeId.sol";
import { Words } from "./libraries/Words.sol";
import { StandingWord, toStandingWord } from "./types/StandingWord.sol";

/// @title NodeRegistry
/// @notice See {INodeRegistry}.
/// @custom:security-contact security@turingfog.example
contract NodeRegistry is INodeRegistry {
    using Words for uint256[];

    /// @dev What a settlement reads of a node; the model is in its id.
    struct Standing {
        address payout; // slot 0
        uint40 attestedFrom;
        uint40 attestedUntil;
        uint16 gpuCount;
    }

    /// @dev An attestation that counts from `from` on, unless a freeze or a rotation of the signers came before.
    struct Pending {
        uint40 from; // slot 0: 0 when none is pending
        uint40 until;
        uint40 stamp; // see {ITUReceiptOracle-checkQuorum}
        uint40 revokedUntil; // of the last one revoked, so that nobody submits its signatures again
    }

    struct Period {
        uint40 from; // slot 0
        uint40 until;
    }

    /// @dev TU per day per GPU, 18 decimals, at most MAX_RATING.
    struct Rating {
        uint72 perDay; // slot 0: 0 when there is none
        uint40 from;
        uint40 stamp; // 0 for genesis
    }

    struct Listing {
        uint128 unitPrice; // slot 0
        uint128 capacityTU;
    }

    /* CONSTANTS */

    bytes32 private constant RATING_ATTESTATION_TYPEHASH = keccak256(
        "RatingAttestation(bytes32 gpuModel,uint32[7] imagesPerSecondE3,bytes32 evidence,uint64 signerSetVersion)"
    );

    bytes32 private constant NODE_ATTESTATION_TYPEHASH = keccak256(
        "NodeAttestation(uint256 nodeId,uint40 validUntil,bytes32 evidence,uint64 signerSetVersion)"
    );

    /// @inheritdoc INodeRegistry
    uint16 public constant MAX_GPU_COUNT = 1_024;
    /// @inheritdoc INodeRegistry
    uint256 public constant MAX_RATING = 1_000e18;
    /// @inheritdoc INodeRegistry
    uint40 public constant MAX_ATTESTATION = 90 days;

    uint256 private constant NETWORKS = 7;

    /* IMMUTABLES */

    /// @inheritdoc INodeRegistry
    ITUReceiptOracle public immutable ORACLE;
    /// @inheritdoc INodeRegistry
    address public immutable ESCROW;

    /* STORAGE */

    uint256 private _modelCount;

    /// @dev Counted from 1, so that 0 is no model.
    mapping(bytes32 gpuModel => uint256) private _indexOf;

    mapping(uint256 index => bytes32) private _models;
    mapping(uint256 index => Rating) private _ratings;
    /// @dev So that nobody submits the same signatures again.
    mapping(bytes32 gpuModel => mapping(uint256 rating => bool)) private _isVetoed;

    uint32 private _lastSerial;
    mapping(uint256 nodeId => Standing) private _standings;
    /// @dev Moves to `_standings` with the first transaction that writes there after it counts.
    mapping(uint256 nodeId => Pending) private _pending;
    /// @dev The attestation before the one in `_standings`, if that one came after its end.
    mapping(uint256 nodeId => Period) private _lapsed;

    mapping(uint256 nodeId => address) private _owners;
    /// @inheritdoc INodeRegistry
    mapping(uint256 nodeId => address) public pendingOwnerOf;
    mapping(uint256 nodeId => mapping(address asset => Listing)) private _listings;

    /* CONSTRUCTOR */

    constructor(System memory system) {
        ORACLE = ITUReceiptOracle(system.oracle);
        ESCROW = system.escrow;

        uint40 now_ = uint40(block.timestamp);
        _rate(keccak256("GTX 1080 Ti"), 1e18, now_, 0, 0);
        _rate(keccak256("Titan XP"), 1.11e18, now_, 0, 0);
        _rate(keccak256("V100"), 1.85e18, now_, 0, 0);
        _rate(keccak256("Titan V"), 1.41e18, now_, 0, 0);
        _rate(keccak256("Titan RTX"), 1.55e18, now_, 0, 0);
        _rate(keccak256("RTX 2080"), 0.99e18, now_, 0, 0);
        _rate(keccak256("RTX 2080 Ti"), 1.35e18, now_, 0, 0);
    }

    /* RATINGS */

    /// @inheritdoc INodeRegistry
    function attestRating(
        bytes32 gpuModel,
        uint32[NETWORKS] calldata imagesPerSecondE3,
        bytes32 evidence,
        Signature[] calldata signatures
    ) external {
        Rating memory stored = _ratings[_indexOf[gpuModel]];
        if (_stands(stored.from, stored.stamp)) revert Registry_AlreadyRated(gpuModel);

        // ResNet-50, ResNet-152, Inception v3, Inception v4, VGG-16, AlexNet, SSD300
        uint16[NETWORKS] memory baseline = [209, 81, 136, 58, 134, 2762, 108];
        uint256 sum = 0;
        for (uint256 i = 0; i < NETWORKS; ++i) {
            uint256 measured = imagesPerSecondE3[i];
            if (measured == 0) revert Registry_ZeroThroughput(i);
            sum += (measured * 1e18) / baseline[i];
        }
        uint256 rating = sum / (NETWORKS * 1e3);
        // above 0, because every measurement is
        if (rating > MAX_RATING) revert Registry_RatingOutOfBounds(rating, MAX_RATING);
        if (_isVetoed[gpuModel][rating]) revert Registry_VetoedRating(gpuModel, rating);

        bytes32 measurements = keccak256(abi.encode(imagesPerSecondE3));
        uint40 stamp = ORACLE.checkQuorum(
            keccak256(
                abi.encode(RATING_ATTESTATION_TYPEHASH, gpuModel, measurements, evidence, ORACLE.signerSetVersion())
            ),
            signatures
        );

        _rate(gpuModel, uint72(rating), uint40(block.timestamp) + ORACLE.VETO_WINDOW(), stamp, evidence);
    }

    function _rate(bytes32 gpuModel, uint72 rating, uint40 from, uint40 stamp, bytes32 evidence) private {
        uint256 index = _indexOf[gpuModel];
        if (index == 0) {
            index = ++_modelCount;
            _indexOf[gpuModel] = index;
            _models[index] = gpuModel;
        }
        Rating storage stored = _ratings[index];
        stored.perDay = rating;
        stored.from = from;
        stored.stamp = stamp;
        emit ModelRated(gpuModel, rating, from, evidence);
    }

    /// @inheritdoc INodeRegistry
    function vetoRating(bytes32 gpuModel) external {
        _checkGuardian();
        Rating storage stored = _ratings[_indexOf[gpuModel]];
        if (!_isPending(stored.from, stored.stamp)) revert Registry_RatingNotPending(gpuModel);

        uint72 rating = stored.perDay;
        stored.perDay = 0;
        _isVetoed[gpuModel][rating] = true;
        stored.from = 0;
        emit RatingVetoed(gpuModel, rating);
    }

    function _checkGuardian() private view {
        if (msg.sender != ORACLE.guardian()) revert Registry_NotGuardian(msg.sender);
    }

    /// @dev Whether what a quorum attested counts from `from` on. Nothing disturbs genesis, whose stamp is 0.
    function _stands(uint40 from, uint40 stamp) private view returns (bool) {
        return from != 0 && (stamp == 0 || ORACLE.isUndisturbed(stamp, from));
    }

    function _isPending(uint40 from, uint40 stamp) private view returns (bool) {
        return from > block.timestamp && _stands(from, stamp);
    }

    function _counts(uint40 from, uint40 stamp) private view returns (bool) {
        return from <= block.timestamp && _stands(from, stamp);
    }

    /* NODES */

    /// @inheritdoc INodeRegistry
    function registerNode(
        bytes32 gpuModel,
        uint256 gpuCount,
        address payout,
        string calldata metadataURI
    ) external returns (uint256 nodeId) {
        // a rating that counts never changes, so nothing asks again for that of a node
        if (ratingOf(gpuModel) == 0) revert Registry_UnratedModel(gpuModel);
        if (gpuCount == 0 || gpuCount > MAX_GPU_COUNT) revert Registry_GpuCountOutOfBounds(gpuCount, MAX_GPU_COUNT);
        if (payout == address(0)) revert Registry_ZeroPayout();

        nodeId = NodeId.encode(_indexOf[gpuModel], ++_lastSerial);
        _owners[nodeId] = msg.sender;
        _standings[nodeId].payout = payout;
        _standings[nodeId].gpuCount = uint16(gpuCount); // at most MAX_GPU_COUNT
        emit NodeRegistered(nodeId, msg.sender, gpuModel, uint16(gpuCount), payout, metadataURI);
    }

    /// @inheritdoc INodeRegistry
    function setPayout(uint256 nodeId, address payout) external {
        _checkOwner(nodeId);
        if (payout == address(0)) revert Registry_ZeroPayout();

        emit PayoutSet(nodeId, _standings[nodeId].payout, payout);
        _standings[nodeId].payout = payout;
    }

    /// @inheritdoc INodeRegistry
    function setListing(uint256 nodeId, address asset, uint128 unitPrice, uint128 capacityTU) external {
        _checkOwner(nodeId);
        if (unitPrice != 0 && !IComputeEscrow(ESCROW).isListed(asset)) revert Registry_AssetNotListed(asset);

        Listing storage offer = _listings[nodeId][asset];
        emit ListingSet(nodeId, asset, offer.unitPrice, offer.capacityTU, unitPrice, capacityTU);
        offer.unitPrice = unitPrice;
        offer.capacityTU = capacityTU;
    }

    /// @inheritdoc INodeRegistry
    function setMetadataURI(uint256 nodeId, string calldata metadataURI) external {
        _checkOwner(nodeId);

        emit MetadataURISet(nodeId, metadataURI);
    }

    /// @inheritdoc INodeRegistry
    function transferNode(uint256 nodeId, address to) external {
        _checkOwner(nodeId);

        pendingOwnerOf[nodeId] = to;
        emit NodeTransferStarted(nodeId, msg.sender, to);
    }

    /// @inheritdoc INodeRegistry
    function acceptNode(uint256 nodeId) external {
        if (msg.sender != pendingOwnerOf[nodeId]) revert Registry_NotPendingOwner(nodeId, msg.sender);

        address oldOwner = _owners[nodeId];
        delete pendingOwnerOf[nodeId];
        _owners[nodeId] = msg.sender;
        emit NodeTransferred(nodeId, oldOwner, msg.sender);
    }

    function _checkOwner(uint256 nodeId) private view {
        if (msg.sender != _owners[nodeId]) revert Registry_NotNodeOwner(nodeId, msg.sender);
    }

    /* ATTESTATIONS */

    /// @inheritdoc INodeRegistry
    function attestNode(uint256 nodeId, uint40 validUntil, bytes32 evidence, Signature[] calldata signatures) external {
        Standing storage stored = _standings[nodeId];
        if (stored.payout == address(0)) revert Registry_UnknownNode(nodeId);

        _promote(nodeId);
        Pending storage pending = _pending[nodeId];
        uint40 now_ = uint40(block.timestamp);
        bool isRenewal = _isRenewable(stored);
        uint40 from = isRenewal ? stored.attestedFrom : pending.from;
        uint40 until = isRenewal ? stored.attestedUntil : pending.until;
        if (!isRenewal && !_isPending(from, pending.stamp)) {
            from = now_ + ORACLE.VETO_WINDOW();
            until = from - 1; // so that the new one ends at its start at the earliest
        }

        uint40 earliest = (until > pending.revokedUntil ? until : pending.revokedUntil) + 1;
        uint40 latest = now_ + MAX_ATTESTATION;
        if (validUntil < earliest || validUntil > latest) {
            revert Registry_ValidityOutOfBounds(validUntil, earliest, latest);
        }
        uint40 stamp = ORACLE.checkQuorum(
            keccak256(abi.encode(NODE_ATTESTATION_TYPEHASH, nodeId, validUntil, evidence, ORACLE.signerSetVersion())),
            signatures
        );

        if (isRenewal) {
            stored.attestedUntil = validUntil;
        } else {
            pending.from = from;
            pending.until = validUntil;
            pending.stamp = stamp;
        }
        emit NodeAttested(nodeId, from, validUntil, evidence);
    }

    function _isRenewable(Standing storage stored) private view returns (bool) {
        return stored.attestedUntil >= block.timestamp;
    }

    /// @dev Stores what counts already, so that no view answers otherwise than before.
    function _promote(uint256 nodeId) private {
        Standing storage stored = _standings[nodeId];
        (uint40 oldFrom, uint40 oldUntil) = (stored.attestedFrom, stored.attestedUntil);
        (uint40 from, uint40 until) = _attestation(nodeId, oldFrom, oldUntil);
        if (from == oldFrom) return;

        if (oldFrom != 0) _lapsed[nodeId] = Period({ from: oldFrom, until: oldUntil });
        stored.attestedFrom = from;
        stored.attestedUntil = until;
        _pending[nodeId].from = 0;
    }

    /// @dev The stored attestation, or the pending one that has taken its place without a transaction. One in force is
    /// not pushed out, because a pending one counts only after it has lapsed.
    function _attestation(uint256 nodeId, uint40 from, uint40 until) private view returns (uint40, uint40) {
        if (until >= block.timestamp) return (from, until);

        Pending memory pending = _pending[nodeId];
        return _counts(pending.from, pending.stamp) ? (pending.from, pending.until) : (from, until);
    }

    /// @inheritdoc INodeRegistry
    function revokeNode(uint256 nodeId) external {
        _checkGuardian();
        _promote(nodeId);
        Standing storage stored = _standings[nodeId];
        Pending storage pending = _pending[nodeId];
        bool isInForce = _isRenewable(stored);
        if (!isInForce && !_isPending(pending.from, pending.stamp)) revert Registry_NothingToRevoke(nodeId);

        uint40 from = isInForce ? stored.attestedFrom : pending.from;
        uint40 until = isInForce ? stored.attestedUntil : pending.until;
        if (isInForce) stored.attestedUntil = uint40(block.timestamp) - 1;
        pending.from = 0;
        pending.revokedUntil = until;
        emit NodeRevoked(nodeId, from, until);
    }

    /* PROTOCOL */

    /// @inheritdoc INodeRegistry
    function reserve(uint256 nodeId, address asset, uint256 tuAmount) external returns (uint128 unitPrice) {
        if (msg.sender != ESCROW) revert Registry_NotEscrow(msg.sender);
        _promote(nodeId);
        // what is stored counts already
        if (block.timestamp > _standings[nodeId].attestedUntil) revert Registry_NotAttested(nodeId);
        Listing storage offer = _listings[nodeId][asset];
        unitPrice = offer.unitPrice;
        uint128 capacityTU = offer.capacityTU;
        if (unitPrice == 0) revert Registry_NotOffered(nodeId, asset);
        if (tuAmount > capacityTU) revert Registry_CapacityExceeded(tuAmount, capacityTU);

        offer.capacityTU = uint128(capacityTU - tuAmount); // a part of a uint128
    }

    /* VIEWS */

    /// @inheritdoc INodeRegistry
    function ratingOf(bytes32 gpuModel) public view returns (uint256) {
        Rating memory stored = _ratings[_indexOf[gpuModel]];
        return _counts(stored.from, stored.stamp) ? stored.perDay : 0;
    }

    /// @inheritdoc INodeRegistry
    function pendingRating(bytes32 gpuModel) external view returns (uint256 rating, uint40 from) {
        Rating memory stored = _ratings[_indexOf[gpuModel]];
        return _isPending(stored.from, stored.stamp) ? (stored.perDay, stored.from) : (0, 0);
    }

    /// @inheritdoc INodeRegistry
    function ratePerDay(uint256 nodeId) public view returns (uint256) {
        return uint256(_ratings[NodeId.modelIndexOf(nodeId)].perDay) * _standings[nodeId].gpuCount;
    }

    /// @inheritdoc INodeRegistry
    function node(uint256 nodeId) external view returns (Node memory) {
        Standing memory stored = _standings[nodeId];
        (uint40 from, uint40 until) = _attestation(nodeId, stored.attestedFrom, stored.attestedUntil);
        return
            Node({
                owner: _owners[nodeId],
                payout: stored.payout,
                gpuModel: stored.gpuCount == 0 ? bytes32(0) : _models[NodeId.modelIndexOf(nodeId)],
                gpuCount: stored.gpuCount,
                attestedFrom: from,
                attestedUntil: until
            });
    }

    /// @inheritdoc INodeRegistry
    function pendingAttestation(uint256 nodeId) external view returns (uint40 from, uint40 until) {
        Pending memory pending = _pending[nodeId];
        return _isPending(pending.from, pending.stamp) ? (pending.from, pending.until) : (0, 0);
    }

    /// @inheritdoc INodeRegistry
    function listing(uint256 nodeId, address asset) external view returns (uint128 unitPrice, uint128 capacityTU) {
        Listing memory offer = _listings[nodeId][asset];
        return (offer.unitPrice, offer.capacityTU);
    }

    /// @inheritdoc INodeRegistry
    function standing(
        uint256 nodeId
    ) external view returns (address payout, uint40 attestedFrom, uint40 attestedUntil, uint256 rate) {
        Standing memory stored = _standings[nodeId];
        (attestedFrom, attestedUntil) = _attestation(nodeId, stored.attestedFrom, stored.attestedUntil);
        return (stored.payout, attestedFrom, attestedUntil, ratePerDay(nodeId));
    }

    /// @inheritdoc INodeRegistry
    function isAttested(uint256 nodeId, uint256 t) external view returns (bool) {
        Standing memory stored = _standings[nodeId];
        if (_covers(stored.attestedFrom, stored.attestedUntil, t)) return true;

        // what is stored is the one in force or the one before; this is the other
        Pending memory pending = _pending[nodeId];
        if (_counts(pending.from, pending.stamp)) return _covers(pending.from, pending.until, t);
        Period memory lapsed = _lapsed[nodeId];
        return _covers(lapsed.from, lapsed.until, t);
    }

    function _covers(uint40 from, uint40 until, uint256 t) private pure returns (bool) {
        return from != 0 && from <= t && t <= until;
    }

    /// @inheritdoc INodeRegistry
    function standings(uint256[] calldata nodeIds) external view returns (uint256[] memory words) {
        words = new uint256[](2 * nodeIds.length);
        // unchecked: twice the index is below the length of `words`, a rate below MAX_RATING · MAX_GPU_COUNT
        unchecked {
            for (uint256 i = 0; i < nodeIds.length; ++i) {
                uint256 nodeId = nodeIds.read(i);
                Standing storage stored = _standings[nodeId];
                uint256 gpuCount = stored.gpuCount;
                address payout = stored.payout;
                (uint40 from, uint40 until) = (stored.attestedFrom, stored.attestedUntil);
                // what is in force needs no call: 40 gas a node less
                if (until < block.timestamp) (from, until) = _attestation(nodeId, from, until);
                words.set(2 * i, StandingWord.unwrap(toStandingWord(payout, from, until)));
                words.set(2 * i + 1, _ratings[NodeId.modelIndexOf(nodeId)].perDay * gpuCount);
            }
        }
    }
}
