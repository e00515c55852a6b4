// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import { IBuybackBurnController } from "./IBuybackBurnController.sol";
import { INodeRegistry } from "./INodeRegistry.sol";
import { IOrderRenderer } from "./IOrderRenderer.sol";
import { IRewardPool } from "./IRewardPool.sol";
import { ITUReceiptOracle } from "./ITUReceiptOracle.sol";

/// @notice What an order buys, for whom and on what terms.
/// @param nodeId The node, or 0 for a joint order at `maxUnitPrice`. Any node that is attested when it opens may
/// work on it.
/// @param asset What is paid with.
/// @param tuAmount TU bought, 18 decimals.
/// @param maxUnitPrice The most to pay, in base units of the asset per whole TU.
/// @param duration Seconds from now until the order ends: 1 hour to 366 days.
/// @param renter Who receives the order's token.
/// @param refundTo Who is refunded; zero for whoever holds the token then. If set, the token cannot be transferred.
/// @param jobHash Hash of the job's description, for the renter's and the nodes' own use.
/// @param paymentRef The payer's reference, usable once per payer; zero for none.
/// @param reuse A closed order, the latest of its place in storage, whose place this one takes over for less gas. Zero,
/// any other number, and an order of a place that has held 65,535 orders mean a new place.
struct OpenParams {
    uint256 nodeId;
    address asset;
    uint96 tuAmount;
    uint128 maxUnitPrice;
    uint40 duration;
    address renter;
    address refundTo;
    bytes32 jobHash;
    bytes32 paymentRef;
    uint256 reuse;
}

/// @notice The payer's ERC-2612 permit to the escrow for ⌈tuAmount · maxUnitPrice / 1e18⌉, the highest deposit.
struct Permit {
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice What the oracle's quorum has measured: a leaf of a standard Merkle tree over these four types.
/// @param cumulativeTU All TU, 18 decimals, that the node has delivered on the order until `measuredAt`.
struct Receipt {
    uint256 orderId;
    uint256 nodeId;
    uint96 cumulativeTU;
    uint40 measuredAt;
}

/// @notice The word of the one who would be refunded on what their order's own node has delivered.
/// @param cumulativeTU All TU, 18 decimals, that the node has delivered on the order so far.
/// @param signature Their ECDSA signature, of 65 bytes, of `Acknowledgement(uint256 orderId,uint96 cumulativeTU)` under
/// the escrow's domain; empty if they call themselves.
struct Acknowledgement {
    uint256 orderId;
    uint96 cumulativeTU;
    bytes signature;
}

/// @notice An open order.
/// @param unitPrice Base units of the asset per whole TU.
/// @param tuSettled TU delivered by all nodes, 18 decimals.
/// @param deposit Base units paid in.
/// @param earned Base units of them that have left for the buyback.
struct Order {
    uint256 nodeId;
    address asset;
    uint128 unitPrice;
    uint96 tuAmount;
    uint96 tuSettled;
    uint128 deposit;
    uint128 earned;
    uint40 startedAt;
    uint40 endsAt;
    address refundTo;
}

/// @notice Why a receipt or an acknowledgement was passed over.
/// @custom:value0 OtherAsset Its order was paid in another asset than the one being settled.
/// @custom:value1 UnknownOrder Its order was never opened or is closed.
/// @custom:value2 WrongNode Its order is on another node.
/// @custom:value3 BeforeStart It was measured before its order started.
/// @custom:value4 AfterSubmission It claims to be measured after its root was submitted.
/// @custom:value5 NotAttested Its node was not attested when it was measured or, on a joint order, when the order
/// opened; see {INodeRegistry-isAttested}.
/// @custom:value6 NothingNew It raises nothing above what is settled.
/// @custom:value7 AfterEnd It was measured after its order's end.
/// @custom:value8 JointOrder It acknowledges a joint order, where one node's pay is another's loss.
/// @custom:value9 NotAcknowledged The one who would be refunded has neither signed it nor called.
enum SkipReason {
    OtherAsset,
    UnknownOrder,
    WrongNode,
    BeforeStart,
    AfterSubmission,
    NotAttested,
    NothingNew,
    AfterEnd,
    JointOrder,
    NotAcknowledged
}

/// @title IComputeEscrow
/// @notice Orders of compute: paid in advance, earned by receipts or acknowledgements, refunded when they close. Each
/// order is an ERC-721 token, so paid-for compute can change hands. The escrow never grants an allowance and has no
/// exit but settlement and refund.
interface IComputeEscrow is IERC721 {
    /* ERRORS */

    /// @notice Indicates a call that only the governor may make.
    error Escrow_NotGovernor(address caller);
    /// @notice Indicates a call that only the oracle may make.
    error Escrow_NotOracle(address caller);
    /// @notice Indicates a grace out of bounds, in seconds.
    error Escrow_GraceOutOfBounds(uint256 grace, uint256 minimum, uint256 maximum);
    /// @notice Indicates a renderer without code, which could never be replaced.
    error Escrow_InvalidRenderer(address renderer);
    /// @notice Indicates an asset that is not listed, or already listed.
    error Escrow_AssetNotListed(address asset);
    error Escrow_AssetListed(address asset);
    /// @notice Indicates a reference price for an asset that has had its first one; list it again with 0.
    error Escrow_ReferenceAlreadySet(address asset, uint256 referencePrice);
    /// @notice Indicates that the network is frozen.
    error Escrow_Frozen(uint256 until);
    /// @notice Indicates a duration out of bounds, in seconds.
    error Escrow_DurationOutOfBounds(uint256 duration, uint256 minimum, uint256 maximum);
    /// @notice Indicates a unit price above the payer's limit.
    error Escrow_PriceAboveMax(uint256 unitPrice, uint256 maxUnitPrice);
    /// @notice Indicates an order that costs nothing.
    error Escrow_ZeroDeposit();
    /// @notice Indicates a payment reference that its payer has used before.
    error Escrow_PaymentRefUsed(address payer, bytes32 paymentRef);
    /// @notice Indicates an asset that delivered something else than was sent.
    error Escrow_DepositNotReceived(uint256 received, uint256 deposit);
    /// @notice Indicates a transfer of an order whose refund is promised to someone.
    error Escrow_NotTransferable(uint256 orderId, address refundTo);
    /// @notice Indicates an opening of no orders.
    error Escrow_NoOrders();
    /// @notice Indicates orders opened together in another asset than the first one's.
    error Escrow_AssetsDiffer(address asset, address first);
    /// @notice Indicates a refund promised to the escrow itself, where it would be nobody's.
    error Escrow_InvalidRefundTo(address refundTo);
    /// @notice Indicates a settlement of no receipts.
    error Escrow_NoReceipts();
    /// @notice Indicates a settlement of no acknowledgements.
    error Escrow_NoAcknowledgements();
    /// @notice Indicates receipts that are not in the tree of the root.
    error Escrow_InvalidProof(bytes32 receiptsRoot);
    /// @notice Indicates an order that was never opened or is closed.
    error Escrow_UnknownOrder(uint256 orderId);
    /// @notice Indicates a stop by someone who does not hold the order, or a close that its holder reserves to itself.
    error Escrow_NotHolder(uint256 orderId, address caller);
    /// @notice Indicates a stop of an order that has ended.
    error Escrow_OrderEnded(uint256 orderId, uint256 endedAt);
    /// @notice Indicates a close before its time.
    error Escrow_TooEarly(uint256 orderId, uint256 closableFrom);

    /* EVENTS */

    /// @notice Emitted when governance lists an asset, for the first time or again.
    /// @param index The asset's index, which the ids of its orders carry: place << 32 | index << 16 | generation.
    event AssetListed(address indexed asset, uint256 indexed index);

    /// @notice Emitted when governance delists an asset. Orders and lots in it go on.
    event AssetDelisted(address indexed asset);

    /// @notice Emitted when an order is opened; on a node it lowers the listing's capacity by `tuAmount`.
    event OrderOpened(
        uint256 indexed orderId,
        uint256 indexed nodeId,
        address indexed payer,
        address asset,
        uint96 tuAmount,
        uint128 unitPrice,
        uint128 deposit,
        uint40 endsAt,
        address refundTo,
        bytes32 jobHash,
        bytes32 paymentRef
    );

    /// @notice Emitted when a receipt raises what its order owes its node.
    /// @param payout Whose weight in the open round of the order's asset grows by `earned`.
    /// @param tuSettled All TU settled for the node on the order, 18 decimals.
    /// @param earned Base units of the order's asset.
    event ReceiptSettled(
        uint256 indexed orderId,
        uint256 indexed nodeId,
        address indexed payout,
        uint256 tuSettled,
        uint256 earned
    );

    /// @notice Emitted when a receipt is passed over.
    event ReceiptSkipped(uint256 indexed orderId, uint256 indexed nodeId, SkipReason reason);

    /// @notice Emitted when an acknowledgement raises what its order owes its node. Its TU are the word of two parties,
    /// which nobody has measured.
    /// @param payout Whose weight in the open round of the order's asset grows by `earned`.
    /// @param tuSettled All TU settled on the order, 18 decimals.
    /// @param earned Base units of the order's asset.
    event AcknowledgementSettled(
        uint256 indexed orderId,
        uint256 indexed nodeId,
        address indexed payout,
        uint256 tuSettled,
        uint256 earned
    );

    /// @notice Emitted when an acknowledgement is passed over.
    event AcknowledgementSkipped(uint256 indexed orderId, SkipReason reason);

    /// @notice Emitted when a holder ends an order early.
    event OrderStopped(uint256 indexed orderId, uint256 endsAt);

    /// @notice Emitted when an order is closed and its rest refunded.
    event OrderClosed(uint256 indexed orderId, address indexed refundedTo, uint256 refund);

    /* IMMUTABLES */

    /// @notice Seconds before an order can be closed, from its end or what holds up its closing; see {refundable}.
    function GRACE() external view returns (uint40);

    function GOVERNOR() external view returns (address);
    function ORACLE() external view returns (ITUReceiptOracle);
    function REGISTRY() external view returns (INodeRegistry);
    function CONTROLLER() external view returns (IBuybackBurnController);
    function POOL() external view returns (IRewardPool);
    function RENDERER() external view returns (IOrderRenderer);

    /* OPENING */

    /// @notice Opens an order. The caller pays the deposit, for themselves or for someone else.
    ///
    /// @dev Emits {OrderOpened} and {IERC721-Transfer}.
    ///
    /// Notes:
    /// - The deposit is ⌈tuAmount · unitPrice / 1e18⌉, taken from the caller's allowance.
    /// - On a node its listing's price is charged; a joint order pays `maxUnitPrice`.
    ///
    /// Requirements:
    /// - The network is not frozen; the asset is listed; the duration is in bounds; the deposit is above 0.
    /// - On a node: it is attested, offers the asset with the capacity, at `maxUnitPrice` or less.
    /// - `paymentRef` is zero or new for the caller; the escrow receives exactly the deposit.
    /// - The renter is neither zero nor the escrow, to which no order can be transferred either. `refundTo` is not the
    ///   escrow.
    function openOrder(OpenParams calldata params) external returns (uint256 orderId);

    /// @notice Opens several orders in one asset, all or none, with one pull of the sum of their deposits. See
    /// {openOrder}.
    ///
    /// @dev Requirements:
    /// - There is an order; all are in the first one's asset.
    /// - Each can be opened once those before it are; the escrow receives exactly the sum.
    function openOrders(OpenParams[] calldata all) external returns (uint256[] memory orderIds);

    /// @notice Opens an order with the caller's ERC-2612 permit for ⌈tuAmount · maxUnitPrice / 1e18⌉. See {openOrder}.
    /// @dev A permit that fails does not stop an order whose deposit the allowance covers.
    function openOrderWithPermit(OpenParams calldata params, Permit calldata permit) external returns (uint256 orderId);

    /* SETTLING */

    /// @notice Settles receipts of one asset against a final root. Anyone may call.
    ///
    /// @dev Emits {ReceiptSettled} or {ReceiptSkipped} for each receipt.
    ///
    /// Notes, with t = measuredAt:
    /// - A node's settled TU on an order become, when that is more than before, min(cumulativeTU,
    ///   1.1 · ratePerDay · (t − start) / day, tuAmount − what other nodes have settled on the order).
    /// - It has then earned ⌊TU · unitPrice / 1e18⌋ on the order in all; the difference is its payout's weight in the
    ///   open round of the asset, and leaves the escrow for the controller, once per call.
    /// - A receipt that cannot be settled is passed over with its {SkipReason} and never reverts the others. One that
    ///   was measured after the order's end pays nothing, also not for what ran before.
    ///
    /// Requirements:
    /// - The network is not frozen; the root is final; there is a receipt; the proof holds.
    ///
    /// @param asset What the orders were paid in.
    /// @param receipts In the order of the multiproof.
    /// @param proof,proofFlags An OpenZeppelin multiproof.
    function settle(
        address asset,
        bytes32 receiptsRoot,
        Receipt[] calldata receipts,
        bytes32[] calldata proof,
        bool[] calldata proofFlags
    ) external;

    /// @notice Settles what those who would be refunded acknowledge, in one asset. Anyone may call, also while frozen.
    ///
    /// @dev Emits {AcknowledgementSettled} or {AcknowledgementSkipped} for each acknowledgement.
    ///
    /// Notes:
    /// - An order's settled TU become, when that is more than before, min(cumulativeTU, tuAmount). They are the same
    ///   that receipts raise, so the higher of both counts. Earned is paid as in {settle}.
    /// - The one who would be refunded is `refundTo`, or else the holder. Their acknowledgement counts by their ECDSA
    ///   signature, or without one if they call. No contract is asked for a signature: an account without a key calls.
    /// - No root, quorum, veto window, speed limit or attestation is needed, and the order may have ended.
    /// - It is cumulative, so it can be used again without harm. A signature is void while someone else would be
    ///   refunded, and counts again when the order returns to the signer.
    /// - One that cannot be settled is passed over with its {SkipReason} and never reverts the others: another asset,
    ///   an unknown or closed order, a joint order, not acknowledged, nothing new.
    ///
    /// Requirements:
    /// - There is an acknowledgement.
    ///
    /// @dev Warning: a seller can acknowledge an order empty in front of its sale. Only an offer bound to
    /// {getStateFingerprint} is safe from that.
    ///
    /// @param asset What the orders were paid in.
    function settleAcknowledged(address asset, Acknowledgement[] calldata acknowledgements) external;

    /* CLOSING */

    /// @notice Ends an order now. Only its holder, before its end. Emits {OrderStopped}.
    /// @dev Receipts measured until now can still be settled. A receipt measured later pays nothing, so the holder does
    /// not pay for what ran since the last reading.
    function stop(uint256 orderId) external;

    /// @notice Closes an order and refunds the deposit less what was earned.
    ///
    /// @dev Emits {OrderClosed} and {IERC721-Transfer}.
    ///
    /// Notes:
    /// - Pays `refundTo`, or else the holder. A payee who cannot be paid keeps only their own order open.
    ///
    /// - Anyone may close an order with `refundTo`, or whose holder has no code or an EIP-7702 delegation. Any other
    ///   holder (a vault, a market, a Safe) closes it itself or by whom it has approved, so that nothing is pushed to
    ///   a contract that cannot use it.
    ///
    /// Requirements:
    /// - The time given by {refundable} has come.
    /// - A holder with code that is to be refunded, or whom it has approved for the order, calls.
    function close(uint256 orderId) external;

    /* PROTOCOL */

    /// @notice Takes over from when until when the network is frozen. Only the oracle, whose {ITUReceiptOracle-Frozen}
    /// and {ITUReceiptOracle-Thawed} stand for it.
    function setFreeze(uint40 from, uint40 until) external;

    /* GOVERNANCE */

    /// @notice Lists an asset: a plain ERC-20 of at most 24 decimals that delivers what is sent. Only the governor.
    /// Emits {AssetListed} and, the first time, {IBuybackBurnController-AuctionCreated}. TFT is listed from the start.
    /// @param referencePrice TFT (18 decimals) per whole unit, the first time; 0 when it was listed before.
    function listAsset(address asset, uint256 referencePrice) external;

    /// @notice Stops new orders and listings in an asset. Emits {AssetDelisted}. Only the governor.
    function delistAsset(address asset) external;

    /* VIEWS */

    /// @notice Whether new orders may be paid in an asset.
    function isListed(address asset) external view returns (bool);

    /// @notice Deposits less what was earned over all open orders in an asset.
    function liabilities(address asset) external view returns (uint256);

    /// @notice An open order. Reverts when it was never opened or is closed.
    function order(uint256 orderId) external view returns (Order memory);

    /// @notice Returns what an order is at present in one word (ERC-5646). Each stop and each settlement changes it, to
    /// one that it never was before. Reverts when the order was never opened or is closed.
    ///
    /// @dev Warning: a seller can stop an order, or acknowledge it empty, in front of its sale. Only an offer bound to
    /// the fingerprint is safe from that.
    function getStateFingerprint(uint256 orderId) external view returns (bytes32);

    /// @notice Returns an open order's metadata as {RENDERER} renders it: JSON with an SVG, both in the URI itself.
    /// Reverts when the order was never opened or is closed.
    function tokenURI(uint256 orderId) external view returns (string memory);

    /// @notice TU settled for a node on an order, 18 decimals.
    function settledTU(uint256 orderId, uint256 nodeId) external view returns (uint256);

    /// @notice Returns what closing would refund now, and from when it is possible: 0 if the order is fully delivered.
    ///
    /// @dev Notes:
    /// - Otherwise max(end, min(last veto or rotation of the signers, end + 7 days)) + {GRACE}. If the latest freeze
    ///   began before that, not before its end + {GRACE}.
    /// - A freeze that begins in that second or later does not concern the order: it is closed also while frozen.
    /// - A veto or rotation within 7 days of the end moves that time, also if it has come already.
    /// - So it comes at the latest 14 days and two graces after the end.
    function refundable(uint256 orderId) external view returns (uint128 amount, uint40 from);

    /// @notice Whether a payer has used a payment reference.
    function isPaymentRefUsed(address payer, bytes32 paymentRef) external view returns (bool);
}
