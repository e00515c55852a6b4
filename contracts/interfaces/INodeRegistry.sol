// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Signature, ITUReceiptOracle } from "./ITUReceiptOracle.sol";

/// @notice A node as it stands.
/// @param owner Who lists it and sets its payout.
/// @param payout Whose rewards its receipts earn.
/// @param gpuModel keccak256 of the model's name.
/// @param gpuCount GPUs of that model.
/// @param attestedFrom Since when it has been attested without a gap; 0 when no attestation has counted yet.
/// @param attestedUntil The last second for which it is attested.
struct Node {
    address owner;
    address payout;
    bytes32 gpuModel;
    uint16 gpuCount;
    uint40 attestedFrom;
    uint40 attestedUntil;
}

/// @title INodeRegistry
/// @notice Nodes, what they offer, and the ratings of their hardware in TU, where 1 TU is 24 hours of one GTX 1080 Ti.
/// Anyone registers; a node earns by receipts only while the oracle's quorum attests it.
interface INodeRegistry {
    /* ERRORS */

    /// @notice Indicates a call that only the node's owner may make.
    error Registry_NotNodeOwner(uint256 nodeId, address caller);
    /// @notice Indicates a call that only the account to which the node's owner transfers it may make.
    error Registry_NotPendingOwner(uint256 nodeId, address caller);
    /// @notice Indicates a call that only the oracle's guardian may make.
    error Registry_NotGuardian(address caller);
    /// @notice Indicates a node that was never registered.
    error Registry_UnknownNode(uint256 nodeId);
    /// @notice Indicates a call that only the escrow may make.
    error Registry_NotEscrow(address caller);
    /// @notice Indicates a GPU model without a rating that counts.
    error Registry_UnratedModel(bytes32 gpuModel);
    /// @notice Indicates a GPU model that has its rating permanently, or has one pending.
    error Registry_AlreadyRated(bytes32 gpuModel);
    /// @notice Indicates a rating that the guardian has vetoed for this model.
    error Registry_VetoedRating(bytes32 gpuModel, uint256 rating);
    /// @notice Indicates a GPU model without a pending rating.
    error Registry_RatingNotPending(bytes32 gpuModel);
    /// @notice Indicates a network on which nothing was measured, by its index in the reference.
    error Registry_ZeroThroughput(uint256 network);
    /// @notice Indicates a rating out of bounds, in TU per day with 18 decimals.
    error Registry_RatingOutOfBounds(uint256 rating, uint256 maximum);
    /// @notice Indicates a number of GPUs out of bounds.
    error Registry_GpuCountOutOfBounds(uint256 gpuCount, uint256 maximum);
    /// @notice Indicates a payout of zero.
    error Registry_ZeroPayout();
    /// @notice Indicates a listing in an asset that governance has not listed.
    error Registry_AssetNotListed(address asset);
    /// @notice Indicates an attestation that ends before it would count, too far ahead, or not after the one in force,
    /// the pending one and the last one revoked.
    error Registry_ValidityOutOfBounds(uint256 validUntil, uint256 earliest, uint256 latest);
    /// @notice Indicates a node with no attestation in force or pending.
    error Registry_NothingToRevoke(uint256 nodeId);
    /// @notice Indicates a node that is not attested now.
    error Registry_NotAttested(uint256 nodeId);
    /// @notice Indicates a node that does not offer its compute in this asset.
    error Registry_NotOffered(uint256 nodeId, address asset);
    /// @notice Indicates an order above what is left of the listing, in TU with 18 decimals.
    error Registry_CapacityExceeded(uint256 tuAmount, uint256 capacityTU);

    /* EVENTS */

    /// @notice Emitted when a quorum rates a GPU model, and for the ratings of genesis.
    /// @param from From when the rating counts, unless a veto, a freeze or a rotation of the signers comes before.
    /// @param evidence Hash of the measurements; zero for the genesis ratings.
    event ModelRated(bytes32 indexed gpuModel, uint256 rating, uint40 from, bytes32 indexed evidence);

    /// @notice Emitted when the guardian takes a pending rating back.
    event RatingVetoed(bytes32 indexed gpuModel, uint256 rating);

    /// @notice Emitted when a node is registered.
    event NodeRegistered(
        uint256 indexed nodeId,
        address indexed owner,
        bytes32 indexed gpuModel,
        uint16 gpuCount,
        address payout,
        string metadataURI
    );

    /// @notice Emitted when a node's owner changes whose rewards its receipts earn.
    event PayoutSet(uint256 indexed nodeId, address indexed oldPayout, address indexed newPayout);

    /// @notice Emitted when a node's owner tells where renters now read about it.
    event MetadataURISet(uint256 indexed nodeId, string metadataURI);

    /// @notice Emitted when a node's owner names who may become its owner; zero for nobody.
    event NodeTransferStarted(uint256 indexed nodeId, address indexed owner, address indexed pendingOwner);

    /// @notice Emitted when a node gets another owner.
    event NodeTransferred(uint256 indexed nodeId, address indexed oldOwner, address indexed newOwner);

    /// @notice Emitted when a quorum attests a node.
    /// @param attestedFrom From when the attestation counts. One that is pending counts unless it is revoked, or a
    /// freeze or a rotation of the signers comes before.
    /// @param evidence Hash of the node's benchmark log.
    event NodeAttested(uint256 indexed nodeId, uint40 attestedFrom, uint40 validUntil, bytes32 indexed evidence);

    /// @notice Emitted when the guardian revokes a node's attestation. One that counted counts until now; one that was
    /// pending never counts.
    /// @param validUntil Until when it would have counted.
    event NodeRevoked(uint256 indexed nodeId, uint40 attestedFrom, uint40 validUntil);

    /// @notice Emitted when a node's listing is overwritten. In between, each {IComputeEscrow-OrderOpened} lowers it.
    event ListingSet(
        uint256 indexed nodeId,
        address indexed asset,
        uint128 oldUnitPrice,
        uint128 oldCapacityTU,
        uint128 unitPrice,
        uint128 capacityTU
    );

    /* CONSTANTS AND IMMUTABLES */

    /// @notice The most GPUs a node may have: 1,024.
    function MAX_GPU_COUNT() external view returns (uint16);

    /// @notice The highest rating: 1,000 TU per day, 18 decimals.
    function MAX_RATING() external view returns (uint256);

    /// @notice How far ahead a node may be attested: 90 days.
    function MAX_ATTESTATION() external view returns (uint40);

    function ORACLE() external view returns (ITUReceiptOracle);
    function ESCROW() external view returns (address);

    /* RATINGS */

    /// @notice Rates a GPU model, once, from measurements that a quorum has signed. Anyone may call. The rating counts
    /// one {ITUReceiptOracle-VETO_WINDOW} later, and permanently.
    ///
    /// @dev Emits {ModelRated}. The rating is (1/7) Σ measured / reference over ResNet-50, ResNet-152, Inception v3,
    /// Inception v4, VGG-16, AlexNet and SSD300, in single-precision training on one GPU. The reference, a GTX 1080 Ti,
    /// is from Lambda, "RTX 2080 Ti Deep Learning Benchmarks", 2019.
    ///
    /// Notes:
    /// - A veto, a freeze or a rotation of the signers before the rating counts undoes it. The model may then be rated
    ///   again.
    ///
    /// Requirements:
    /// - The model is not rated and has no pending rating; no measurement is zero; 0 < rating ≤ {MAX_RATING}; the
    ///   rating is none that the guardian has vetoed, so that nobody submits its signatures again.
    /// - The signatures pass {ITUReceiptOracle-checkQuorum} for
    ///   `RatingAttestation(bytes32 gpuModel,uint32[7] imagesPerSecondE3,bytes32 evidence,uint64 signerSetVersion)`.
    ///
    /// @param gpuModel keccak256 of the model's name.
    /// @param imagesPerSecondE3 Thousandths of images per second, in the order above.
    /// @param evidence Hash of the measurements.
    /// @param signatures In ascending order of signer.
    function attestRating(
        bytes32 gpuModel,
        uint32[7] calldata imagesPerSecondE3,
        bytes32 evidence,
        Signature[] calldata signatures
    ) external;

    /// @notice Takes a pending rating back. Emits {RatingVetoed}. Only the oracle's guardian. A freeze has done so with
    /// all that were pending.
    function vetoRating(bytes32 gpuModel) external;

    /* NODES */

    /// @notice Registers a node. Anyone may call. Emits {NodeRegistered}.
    /// @param gpuModel A model whose rating counts; it and the count are fixed, changed hardware is a new node.
    /// @param gpuCount 1 to {MAX_GPU_COUNT}.
    /// @param payout Whose rewards its receipts earn.
    /// @param metadataURI Where renters read about it.
    function registerNode(
        bytes32 gpuModel,
        uint256 gpuCount,
        address payout,
        string calldata metadataURI
    ) external returns (uint256 nodeId);

    /// @notice Changes whose rewards a node's receipts earn from now on. Emits {PayoutSet}. Only its owner.
    function setPayout(uint256 nodeId, address payout) external;

    /// @notice Offers a node's compute in an asset, overwriting what it offered in that asset before.
    /// Emits {ListingSet}. Only its owner.
    /// @param asset Listed by governance, unless `unitPrice` is 0.
    /// @param unitPrice Base units of the asset per whole TU; 0 withdraws the offer.
    /// @param capacityTU TU on offer, 18 decimals. Orders lower it; nothing but the next call here gives it back.
    function setListing(uint256 nodeId, address asset, uint128 unitPrice, uint128 capacityTU) external;

    /// @notice Tells where renters read about a node from now on. Emits {MetadataURISet}. Only its owner.
    function setMetadataURI(uint256 nodeId, string calldata metadataURI) external;

    /// @notice Offers a node to an account, which becomes its owner with {acceptNode}; zero takes the offer back.
    /// Emits {NodeTransferStarted}. Only its owner.
    function transferNode(uint256 nodeId, address to) external;

    /// @notice Makes the caller the owner of a node. Emits {NodeTransferred}. Only its pending owner.
    ///
    /// @dev Warning: payout, listings and metadata stay as the old owner left them. Everything that is settled until
    /// the new owner calls {setPayout} earns for the old payout.
    function acceptNode(uint256 nodeId) external;

    /* ATTESTATIONS */

    /// @notice Attests a node that a quorum has checked. Anyone may call.
    ///
    /// @dev Emits {NodeAttested}.
    ///
    /// Notes:
    /// - A renewal, while the last attestation is in force and not revoked, keeps the start and counts at once.
    /// - Any other counts one {ITUReceiptOracle-VETO_WINDOW} later, without a further transaction. Until then it is
    ///   pending: a revocation, a freeze or a rotation of the signers undoes it, and another attestation prolongs it.
    ///
    /// Requirements:
    /// - `validUntil` is after the end of the attestation in force, of the pending one and of the last one revoked,
    ///   so that nobody submits its signatures again; not before the attestation counts; and at most
    ///   {MAX_ATTESTATION} ahead.
    /// - The signatures pass {ITUReceiptOracle-checkQuorum} for
    ///   `NodeAttestation(uint256 nodeId,uint40 validUntil,bytes32 evidence,uint64 signerSetVersion)`.
    ///
    /// @param validUntil The last second for which the node is attested.
    /// @param evidence Hash of the node's benchmark log.
    /// @param signatures In ascending order of signer.
    function attestNode(uint256 nodeId, uint40 validUntil, bytes32 evidence, Signature[] calldata signatures) external;

    /// @notice Ends a node's attestation now, or undoes a pending one as if it had never been given.
    /// Emits {NodeRevoked}. Only the oracle's guardian, also while frozen.
    ///
    /// @dev What the node has done until now can still be settled. Warning: once it has been attested again, revoked
    /// again and attested a third time, {isAttested} no longer covers the first attestation.
    function revokeNode(uint256 nodeId) external;

    /* PROTOCOL */

    /// @notice Takes capacity from a node's listing for an order. Only the escrow, whose
    /// {IComputeEscrow-OrderOpened} tells of it.
    /// @param tuAmount TU, 18 decimals.
    /// @return unitPrice Base units of the asset per whole TU.
    function reserve(uint256 nodeId, address asset, uint256 tuAmount) external returns (uint128 unitPrice);

    /* VIEWS */

    /// @notice A model's rating in TU per day per GPU, 18 decimals; 0 when it has none that counts.
    function ratingOf(bytes32 gpuModel) external view returns (uint256);

    /// @notice A model's rating that does not count yet, and from when it will; 0 when there is none.
    function pendingRating(bytes32 gpuModel) external view returns (uint256 rating, uint40 from);

    /// @notice A node's rating times its GPUs, in TU per day, 18 decimals.
    function ratePerDay(uint256 nodeId) external view returns (uint256);

    /// @notice A node as it stands; all zero when there is none of this id.
    function node(uint256 nodeId) external view returns (Node memory);

    /// @notice Who becomes a node's owner by calling {acceptNode}; zero when nobody.
    function pendingOwnerOf(uint256 nodeId) external view returns (address);

    /// @notice A node's attestation that does not count yet: from when it will, and its last second; 0 when there is
    /// none.
    function pendingAttestation(uint256 nodeId) external view returns (uint40 from, uint40 until);

    /// @notice What a node offers in an asset, less what orders have taken.
    function listing(uint256 nodeId, address asset) external view returns (uint128 unitPrice, uint128 capacityTU);

    /// @notice What a settlement needs of a node; all zero when there is none of this id.
    function standing(
        uint256 nodeId
    ) external view returns (address payout, uint40 attestedFrom, uint40 attestedUntil, uint256 rate);

    /// @notice Whether a node is attested at `t`, by the attestation in {standing} or the one before it.
    function isAttested(uint256 nodeId, uint256 t) external view returns (bool);

    /// @notice The {standing} of many nodes in words, because decoding structs would cost 300 gas a node.
    /// @return words Two per node: attestedUntil << 200 | attestedFrom << 160 | payout, and the rate.
    function standings(uint256[] calldata nodeIds) external view returns (uint256[] memory words);
}
