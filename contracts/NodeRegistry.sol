// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IComputeEscrow } from "./interfaces/IComputeEscrow.sol";
import { System } from "./interfaces/IGenesis.sol";
import { INodeRegistry, Node } from "./interfaces/INodeRegistry.sol";
import { ITUReceiptOracle, Signature } from "./interfaces/ITUReceiptOracle.sol";
import { Words } from "./libraries/Words.sol";

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

    struct Period {
        uint40 from; // slot 0
        uint40 until;
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

    /// @dev nodeId = model index << 32 | serial, so that a node's rating needs no slot of the node's own.
    uint256 private constant SERIAL_BITS = 32;

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
    mapping(uint256 index => uint256) private _ratings;

    uint32 private _lastSerial;
    mapping(uint256 nodeId => Standing) private _standings;
    /// @dev The attestation before the one in force, where that one came too late to renew it.
    mapping(uint256 nodeId => Period) private _lapsed;

    mapping(uint256 nodeId => address) private _owners;
    mapping(uint256 nodeId => mapping(address asset => Listing)) private _listings;

    /* CONSTRUCTOR */

    constructor(System memory system) {
        ORACLE = ITUReceiptOracle(system.oracle);
        ESCROW = system.escrow;

        _rate(keccak256("GTX 1080 Ti"), 1e18, 0);
        _rate(keccak256("Titan XP"), 1.11e18, 0);
        _rate(keccak256("V100"), 1.85e18, 0);
        _rate(keccak256("Titan V"), 1.41e18, 0);
        _rate(keccak256("Titan RTX"), 1.55e18, 0);
        _rate(keccak256("RTX 2080"), 0.99e18, 0);
        _rate(keccak256("RTX 2080 Ti"), 1.35e18, 0);
    }

    /* RATINGS */

    /// @inheritdoc INodeRegistry
    function attestRating(
        bytes32 gpuModel,
        uint32[NETWORKS] calldata imagesPerSecondE3,
        bytes32 evidence,
        Signature[] calldata signatures
    ) external {
        if (_indexOf[gpuModel] != 0) revert Registry_AlreadyRated(gpuModel);

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

        bytes32 measurements = keccak256(abi.encode(imagesPerSecondE3));
        ORACLE.checkQuorum(
            keccak256(
                abi.encode(RATING_ATTESTATION_TYPEHASH, gpuModel, measurements, evidence, ORACLE.signerSetVersion())
            ),
            signatures
        );

        _rate(gpuModel, rating, evidence);
    }

    function _rate(bytes32 gpuModel, uint256 rating, bytes32 evidence) private {
        uint256 index = ++_modelCount;
        _indexOf[gpuModel] = index;
        _models[index] = gpuModel;
        _ratings[index] = rating;
        emit ModelRated(gpuModel, rating, evidence);
    }

    /* NODES */

    /// @inheritdoc INodeRegistry
    function registerNode(
        bytes32 gpuModel,
        uint256 gpuCount,
        address payout,
        string calldata metadataURI
    ) external returns (uint256 nodeId) {
        uint256 index = _indexOf[gpuModel];
        if (index == 0) revert Registry_UnratedModel(gpuModel);
        if (gpuCount == 0 || gpuCount > MAX_GPU_COUNT) revert Registry_GpuCountOutOfBounds(gpuCount, MAX_GPU_COUNT);
        if (payout == address(0)) revert Registry_ZeroPayout();

        nodeId = (index << SERIAL_BITS) | ++_lastSerial;
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

    function _checkOwner(uint256 nodeId) private view {
        if (msg.sender != _owners[nodeId]) revert Registry_NotNodeOwner(nodeId, msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function attestNode(uint256 nodeId, uint40 validUntil, bytes32 evidence, Signature[] calldata signatures) external {
        Standing storage stored = _standings[nodeId];
        if (stored.payout == address(0)) revert Registry_UnknownNode(nodeId);

        uint40 now_ = uint40(block.timestamp);
        uint40 attestedUntil = stored.attestedUntil;
        uint40 earliest = attestedUntil < now_ ? now_ : attestedUntil + 1;
        uint40 latest = now_ + MAX_ATTESTATION;
        if (validUntil < earliest || validUntil > latest) {
            revert Registry_ValidityOutOfBounds(validUntil, earliest, latest);
        }
        ORACLE.checkQuorum(
            keccak256(abi.encode(NODE_ATTESTATION_TYPEHASH, nodeId, validUntil, evidence, ORACLE.signerSetVersion())),
            signatures
        );

        if (attestedUntil < now_) {
            if (attestedUntil != 0) _lapsed[nodeId] = Period({ from: stored.attestedFrom, until: attestedUntil });
            stored.attestedFrom = now_;
        }
        stored.attestedUntil = validUntil;
        emit NodeAttested(nodeId, stored.attestedFrom, validUntil, evidence);
    }

    /* PROTOCOL */

    /// @inheritdoc INodeRegistry
    function reserve(uint256 nodeId, address asset, uint256 tuAmount) external returns (uint128 unitPrice) {
        if (msg.sender != ESCROW) revert Registry_NotEscrow(msg.sender);
        // an attestation starts the moment it is given, so none starts in the future
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
    function ratingOf(bytes32 gpuModel) external view returns (uint256) {
        return _ratings[_indexOf[gpuModel]];
    }

    /// @inheritdoc INodeRegistry
    function ratePerDay(uint256 nodeId) public view returns (uint256) {
        return _ratings[nodeId >> SERIAL_BITS] * _standings[nodeId].gpuCount;
    }

    /// @inheritdoc INodeRegistry
    function node(uint256 nodeId) external view returns (Node memory) {
        Standing memory stored = _standings[nodeId];
        return
            Node({
                owner: _owners[nodeId],
                payout: stored.payout,
                gpuModel: stored.gpuCount == 0 ? bytes32(0) : _models[nodeId >> SERIAL_BITS],
                gpuCount: stored.gpuCount,
                attestedFrom: stored.attestedFrom,
                attestedUntil: stored.attestedUntil
            });
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
        return (stored.payout, stored.attestedFrom, stored.attestedUntil, ratePerDay(nodeId));
    }

    /// @inheritdoc INodeRegistry
    function wasAttested(uint256 nodeId, uint256 t) external view returns (bool) {
        Period memory lapsed = _lapsed[nodeId];
        return lapsed.from <= t && t <= lapsed.until;
    }

    /// @inheritdoc INodeRegistry
    function standings(uint256[] calldata nodeIds) external view returns (uint256[] memory words) {
        words = new uint256[](2 * nodeIds.length);
        // unchecked: twice the index is below the length of `words`, a rate below MAX_RATING · MAX_GPU_COUNT
        unchecked {
            for (uint256 i = 0; i < nodeIds.length; ++i) {
                uint256 nodeId = nodeIds[i];
                Standing storage stored = _standings[nodeId];
                uint256 gpuCount = stored.gpuCount;
                words.set(
                    2 * i,
                    uint160(stored.payout) |
                        (uint256(stored.attestedFrom) << 160) |
                        (uint256(stored.attestedUntil) << 200)
                );
                words.set(2 * i + 1, _ratings[nodeId >> SERIAL_BITS] * gpuCount);
            }
        }
    }
}
