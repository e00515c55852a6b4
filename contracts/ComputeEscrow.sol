// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IBuybackBurnController } from "./interfaces/IBuybackBurnController.sol";
import {
    Acknowledgement,
    IComputeEscrow,
    OpenParams,
    Order,
    Permit,
    Receipt,
    SkipReason
} from "./interfaces/IComputeEscrow.sol";
import { GenesisAsset, System } from "./interfaces/IGenesis.sol";
import { INodeRegistry } from "./interfaces/INodeRegistry.sol";
import { IOrderRenderer } from "./interfaces/IOrderRenderer.sol";
import { IRewardPool } from "./interfaces/IRewardPool.sol";
import { ITUReceiptOracle } from "./interfaces/ITUReceiptOracle.sol";
import { OrderId } from "./libraries/OrderId.sol";
import { ReceiptLeaves } from "./libraries/ReceiptLeaves.sol";
import { Words } from "./libraries/Words.sol";
import { StandingWord } from "./types/StandingWord.sol";

/// @title ComputeEscrow
/// @notice See {IComputeEscrow}.
/// @custom:security-contact security@turingfog.example
contract ComputeEscrow is IComputeEscrow, ERC721, EIP712, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;
    using Words for address[];
    using Words for uint256[];

    struct Asset {
        uint128 liabilities; // slot 0
        uint40 lastSerial;
        uint16 index; // 0 is never listed
        bool isListed;
    }

    struct Terms {
        uint128 unitPrice; // slot 0
        uint48 nodeId;
        uint40 startedAt; // 0 is no order
        uint40 endsAt;
    }

    struct Stored {
        Terms terms; // slot 0
        uint96 tuAmount; // slot 1: what became of them
        uint96 tuSettled;
        uint56 roundingLoss; // units lost by rounding per node instead of per order; below 1 per node
        bool isRefundPromised; // to `_refundTo`, which is not read otherwise
    }

    /* CONSTANTS */

    bytes32 private constant ACKNOWLEDGEMENT_TYPEHASH = keccak256(
        "Acknowledgement(uint256 orderId,uint96 cumulativeTU)"
    );

    uint256 private constant TU = 1e18;

    uint40 private constant MIN_DURATION = 1 hours;
    uint40 private constant MAX_DURATION = 366 days;

    /// @dev A node may outrun its rating by 10 %.
    uint256 private constant SPEED_NUMERATOR = 11;
    uint256 private constant SPEED_DENOMINATOR = 10 days;

    /// @dev For how long after an order's end vetoes and rotations of the signers can hold up its closing.
    uint40 private constant MAX_HOLD = 7 days;

    /// @dev Below the 23 days between two freezes, so that the grace after one is over before the next may begin.
    /// Therefore only the latest freeze is kept.
    uint40 private constant MAX_GRACE = 21 days;

    uint256 private constant DELEGATION_LENGTH = 23;
    bytes3 private constant DELEGATION_PREFIX = 0xef0100;

    /* IMMUTABLES */

    /// @inheritdoc IComputeEscrow
    uint40 public immutable GRACE;
    /// @inheritdoc IComputeEscrow
    address public immutable GOVERNOR;
    /// @inheritdoc IComputeEscrow
    ITUReceiptOracle public immutable ORACLE;
    /// @inheritdoc IComputeEscrow
    INodeRegistry public immutable REGISTRY;
    /// @inheritdoc IComputeEscrow
    IBuybackBurnController public immutable CONTROLLER;
    /// @inheritdoc IComputeEscrow
    IRewardPool public immutable POOL;
    /// @inheritdoc IComputeEscrow
    IOrderRenderer public immutable RENDERER;

    /* STORAGE */

    uint16 private _assetCount;

    /// @dev The latest freeze, as the oracle has it, which is not asked when an order is opened: 3,200 gas.
    uint40 private _frozenFrom;
    uint40 private _frozenUntil;

    mapping(address asset => Asset) private _assets;
    mapping(uint256 index => address asset) private _assetAt;

    mapping(uint256 orderId => Stored) private _orders;

    /// @dev TU settled per node, on joint orders only: on a node's order it is the order's own `tuSettled`.
    mapping(uint256 orderId => mapping(uint256 nodeId => uint256)) private _jointlySettled;

    /// @dev Only where one was set.
    mapping(uint256 orderId => address) private _refundTo;

    /// @inheritdoc IComputeEscrow
    mapping(address payer => mapping(bytes32 paymentRef => bool)) public isPaymentRefUsed;

    /* CONSTRUCTOR */

    constructor(
        System memory system,
        uint40 grace,
        IOrderRenderer renderer,
        GenesisAsset[] memory assets
    ) ERC721("TuringFog Compute Order", "TFORDER") EIP712("TuringFog ComputeEscrow", "1") {
        GOVERNOR = system.governor;
        ORACLE = ITUReceiptOracle(system.oracle);
        REGISTRY = INodeRegistry(system.registry);
        CONTROLLER = IBuybackBurnController(system.controller);
        POOL = IRewardPool(system.pool);

        // within it the governor can replace a guardian or signers gone bad, and a root still become final twice over
        uint256 minGrace = TimelockController(payable(system.governor)).getMinDelay() + 2 * ORACLE.VETO_WINDOW();
        if (grace < minGrace || grace > MAX_GRACE) revert Escrow_GraceOutOfBounds(grace, minGrace, MAX_GRACE);
        GRACE = grace;

        if (address(renderer).code.length == 0) revert Escrow_InvalidRenderer(address(renderer));
        RENDERER = renderer;

        _list(system.tft);
        for (uint256 i = 0; i < assets.length; ++i) _listAsset(assets[i].asset, assets[i].referencePrice);
    }

    /* OPENING */

    /// @inheritdoc IComputeEscrow
    function openOrder(OpenParams calldata params) external nonReentrant returns (uint256 orderId) {
        return _open(params);
    }

    /// @inheritdoc IComputeEscrow
    function openOrders(OpenParams[] calldata all) external nonReentrant returns (uint256[] memory orderIds) {
        if (all.length == 0) revert Escrow_NoOrders();
        address asset = all[0].asset;

        orderIds = new uint256[](all.length);
        uint256 sum = 0;
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i].asset != asset) revert Escrow_AssetsDiffer(all[i].asset, asset);
            uint256 deposit;
            (orderIds[i], deposit) = _record(all[i]);
            sum += deposit;
        }
        _pull(asset, sum);
    }

    /// @inheritdoc IComputeEscrow
    function openOrderWithPermit(
        OpenParams calldata params,
        Permit calldata permit
    ) external nonReentrant returns (uint256 orderId) {
        if (!_assets[params.asset].isListed) revert Escrow_AssetNotListed(params.asset);

        uint256 value = _deposit(params.tuAmount, params.maxUnitPrice);
        // whoever used the permit first has left the allowance it gives
        try
            IERC20Permit(params.asset).permit(
                msg.sender,
                address(this),
                value,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch {}
        return _open(params);
    }

    function _open(OpenParams calldata params) private returns (uint256 orderId) {
        uint256 deposit;
        (orderId, deposit) = _record(params);
        _pull(params.asset, deposit);
    }

    function _record(OpenParams calldata params) private returns (uint256 orderId, uint128 deposit) {
        Asset storage asset = _assets[params.asset];
        if (!asset.isListed) revert Escrow_AssetNotListed(params.asset);
        if (block.timestamp < _frozenUntil) revert Escrow_Frozen(_frozenUntil);
        if (params.duration < MIN_DURATION || params.duration > MAX_DURATION) {
            revert Escrow_DurationOutOfBounds(params.duration, MIN_DURATION, MAX_DURATION);
        }

        uint128 unitPrice = params.maxUnitPrice;
        if (params.nodeId != 0) {
            unitPrice = REGISTRY.reserve(params.nodeId, params.asset, params.tuAmount);
            if (unitPrice > params.maxUnitPrice) revert Escrow_PriceAboveMax(unitPrice, params.maxUnitPrice);
        }
        deposit = _deposit(params.tuAmount, unitPrice).toUint128();
        if (deposit == 0) revert Escrow_ZeroDeposit();

        if (params.paymentRef != 0) {
            if (isPaymentRefUsed[msg.sender][params.paymentRef]) {
                revert Escrow_PaymentRefUsed(msg.sender, params.paymentRef);
            }
            isPaymentRefUsed[msg.sender][params.paymentRef] = true;
        }

        // such a refund would be nobody's
        if (params.refundTo == address(this)) revert Escrow_InvalidRefundTo(params.refundTo);

        uint40 endsAt = uint40(block.timestamp) + params.duration;
        uint40 serial = asset.lastSerial + 1;
        orderId = OrderId.encode(asset.index, serial);
        uint128 liabilitiesAfter = asset.liabilities + deposit;
        asset.lastSerial = serial;
        asset.liabilities = liabilitiesAfter;
        Stored storage stored = _orders[orderId];
        stored.terms = Terms({
            unitPrice: unitPrice,
            nodeId: params.nodeId.toUint48(),
            startedAt: uint40(block.timestamp),
            endsAt: endsAt
        });
        stored.tuAmount = params.tuAmount;
        if (params.refundTo != address(0)) {
            stored.isRefundPromised = true;
            _refundTo[orderId] = params.refundTo;
        }
        _mint(params.renter, orderId);
        emit OrderOpened(
            orderId,
            params.nodeId,
            msg.sender,
            params.asset,
            params.tuAmount,
            unitPrice,
            deposit,
            endsAt,
            params.refundTo,
            params.jobHash,
            params.paymentRef
        );
    }

    /// @dev Refuses an asset that keeps a part of what it is sent.
    function _pull(address asset, uint256 amount) private {
        // Interaction
        IERC20 token = IERC20(asset);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert Escrow_DepositNotReceived(received, amount);
    }

    /// @dev ⌈tuAmount · unitPrice / 1e18⌉
    function _deposit(uint256 tuAmount, uint256 unitPrice) private pure returns (uint256) {
        return (tuAmount * unitPrice).ceilDiv(TU);
    }

    /// @dev An order whose refund is promised to someone must not be sold to someone else. The escrow holds none: its
    /// refund would be nobody's.
    function _update(address to, uint256 orderId, address auth) internal override returns (address from) {
        from = super._update(to, orderId, auth);
        if (to == address(this)) revert ERC721InvalidReceiver(to);
        if (from == address(0) || to == address(0)) return from;

        if (_orders[orderId].isRefundPromised) revert Escrow_NotTransferable(orderId, _refundTo[orderId]);
    }

    /* SETTLING */

    /// @inheritdoc IComputeEscrow
    function settle(
        address asset,
        bytes32 receiptsRoot,
        Receipt[] calldata receipts,
        bytes32[] calldata proof,
        bool[] calldata proofFlags
    ) external nonReentrant {
        if (receipts.length == 0) revert Escrow_NoReceipts();
        uint256 submittedAt = ORACLE.finalSubmission(receiptsRoot);
        (bytes32[] memory leaves, uint256[] memory nodeIds) = ReceiptLeaves.hash(receipts);
        // the multiproof of one leaf is its plain proof, whose hashing costs 3,500 gas less
        bool isProven =
            leaves.length == 1 && proof.length == proofFlags.length
                ? MerkleProof.verifyCalldata(proof, receiptsRoot, leaves[0])
                : MerkleProof.multiProofVerifyCalldata(proof, proofFlags, receiptsRoot, leaves);
        if (!isProven) revert Escrow_InvalidProof(receiptsRoot);

        uint256 assetIndex = _assets[asset].index;
        // once for all receipts: a call for each would cost 800 gas more
        uint256[] memory standings = REGISTRY.standings(nodeIds);
        address[] memory payouts = new address[](receipts.length);
        uint256[] memory amounts = nodeIds; // whose memory is free now
        uint256 total = 0;
        // unchecked: twice the index is below the length of `standings`, what is earned is a part of uint128 deposits
        unchecked {
            for (uint256 i = 0; i < payouts.length; ++i) {
                StandingWord standing = StandingWord.wrap(standings.get(2 * i));
                uint256 rate = standings.get(2 * i + 1);
                uint256 earned = _settle(receipts[i], assetIndex, submittedAt, standing, rate);
                payouts.set(i, standing.payout());
                amounts.set(i, earned);
                total += earned;
            }
        }
        _pay(asset, payouts, amounts, total);
    }

    /// @param standing,rate Of the receipt's node, as the registry packs them.
    function _settle(
        Receipt calldata receipt,
        uint256 assetIndex,
        uint256 submittedAt,
        StandingWord standing,
        uint256 rate
    ) private returns (uint256 earned) {
        uint256 orderId = receipt.orderId;
        if (OrderId.assetIndexOf(orderId) != assetIndex) return _skip(receipt, SkipReason.OtherAsset);
        Stored storage stored = _orders[orderId];
        uint256 startedAt = stored.terms.startedAt;
        if (startedAt == 0) return _skip(receipt, SkipReason.UnknownOrder);
        uint256 orderNodeId = stored.terms.nodeId;
        if (receipt.nodeId != orderNodeId && orderNodeId != 0) return _skip(receipt, SkipReason.WrongNode);
        uint256 t = receipt.measuredAt;
        if (t < startedAt) return _skip(receipt, SkipReason.BeforeStart);
        if (t > submittedAt) return _skip(receipt, SkipReason.AfterSubmission);
        if (t > stored.terms.endsAt) return _skip(receipt, SkipReason.AfterEnd);
        // a joint order pays nodes attested when it opened; a node's own order could not have opened otherwise
        uint256 since = orderNodeId == 0 ? startedAt : t;
        // the registry is asked only for a node that was not attested without a gap from then on
        if (
            !standing.covers(since, t) &&
            !(REGISTRY.isAttested(receipt.nodeId, since) && (since == t || REGISTRY.isAttested(receipt.nodeId, t)))
        ) return _skip(receipt, SkipReason.NotAttested);

        uint256 tu = receipt.cumulativeTU;
        // rates are below 2^80, times below 2^40, and `t` is not before `startedAt`
        unchecked {
            uint256 attainable = (rate * (t - startedAt) * SPEED_NUMERATOR) / SPEED_DENOMINATOR;
            if (tu > attainable) tu = attainable;
        }
        (tu, earned) = orderNodeId == 0
            ? _raiseJointly(stored, orderId, receipt.nodeId, tu, stored.terms.unitPrice)
            : _raise(stored, tu, stored.terms.unitPrice);
        if (tu == 0) return _skip(receipt, SkipReason.NothingNew);

        emit ReceiptSettled(orderId, receipt.nodeId, standing.payout(), tu, earned);
    }

    function _skip(Receipt calldata receipt, SkipReason reason) private returns (uint256) {
        emit ReceiptSkipped(receipt.orderId, receipt.nodeId, reason);
        return 0;
    }

    /// @inheritdoc IComputeEscrow
    function settleAcknowledged(address asset, Acknowledgement[] calldata acknowledgements) external nonReentrant {
        if (acknowledgements.length == 0) revert Escrow_NoAcknowledgements();
        uint256[] memory nodeIds = new uint256[](acknowledgements.length);
        for (uint256 i = 0; i < nodeIds.length; ++i) {
            nodeIds.set(i, _orders[acknowledgements[i].orderId].terms.nodeId);
        }

        uint256 assetIndex = _assets[asset].index;
        uint256[] memory standings = REGISTRY.standings(nodeIds);
        address[] memory payouts = new address[](nodeIds.length);
        uint256[] memory amounts = nodeIds; // each id is read before its amount takes its place
        uint256 total = 0;
        // unchecked: twice the index is below the length of `standings`, what is earned is a part of uint128 deposits
        unchecked {
            for (uint256 i = 0; i < payouts.length; ++i) {
                address payout = StandingWord.wrap(standings.get(2 * i)).payout();
                uint256 earned = _acknowledge(acknowledgements[i], assetIndex, nodeIds.get(i), payout);
                payouts.set(i, payout);
                amounts.set(i, earned);
                total += earned;
            }
        }
        _pay(asset, payouts, amounts, total);
    }

    /// @param nodeId,payout Of the acknowledged order.
    function _acknowledge(
        Acknowledgement calldata acknowledgement,
        uint256 assetIndex,
        uint256 nodeId,
        address payout
    ) private returns (uint256 earned) {
        uint256 orderId = acknowledgement.orderId;
        if (OrderId.assetIndexOf(orderId) != assetIndex) return _skip(orderId, SkipReason.OtherAsset);
        Stored storage stored = _orders[orderId];
        if (nodeId == 0) {
            bool isJoint = stored.terms.startedAt != 0;
            return _skip(orderId, isJoint ? SkipReason.JointOrder : SkipReason.UnknownOrder);
        }
        address payee = stored.isRefundPromised ? _refundTo[orderId] : _ownerOf(orderId);
        address signer = acknowledgement.signature.length == 0 ? msg.sender : _signerOf(acknowledgement);
        if (signer != payee) return _skip(orderId, SkipReason.NotAcknowledged);

        uint256 tu = acknowledgement.cumulativeTU;
        (tu, earned) = _raise(stored, tu, stored.terms.unitPrice);
        if (tu == 0) return _skip(orderId, SkipReason.NothingNew);

        emit AcknowledgementSettled(orderId, nodeId, payout, tu, earned);
    }

    /// @dev By ECDSA alone: a contract that is asked could burn the gas of the whole batch. Zero, to which no order is
    /// refunded, if the signature is none.
    function _signerOf(Acknowledgement calldata acknowledgement) private view returns (address signer) {
        bytes32 structHash = keccak256(
            abi.encode(ACKNOWLEDGEMENT_TYPEHASH, acknowledgement.orderId, acknowledgement.cumulativeTU)
        );
        (signer, , ) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), acknowledgement.signature);
    }

    function _skip(uint256 orderId, SkipReason reason) private returns (uint256) {
        emit AcknowledgementSkipped(orderId, reason);
        return 0;
    }

    /// @dev Unchecked, as in {_raiseJointly}: TU are below 2^96 and prices below 2^128, a node has settled no more than
    /// its order, and the order no more than `tuAmount`.
    /// @param tu What the order's node is to have settled.
    /// @return settled What it has settled now, up to what was ordered; 0 if that is no more than before.
    function _raise(
        Stored storage stored,
        uint256 tu,
        uint256 unitPrice
    ) private returns (uint256 settled, uint256 earned) {
        unchecked {
            uint256 before = stored.tuSettled;
            uint256 tuAmount = stored.tuAmount;
            settled = tu < tuAmount ? tu : tuAmount;
            if (settled <= before) return (0, 0);

            earned = (settled * unitPrice) / TU - (before * unitPrice) / TU;
            stored.tuSettled = uint96(settled);
        }
    }

    /// @dev What `roundingLoss` changes by may be −1, itself it is never below 0.
    function _raiseJointly(
        Stored storage stored,
        uint256 orderId,
        uint256 nodeId,
        uint256 tu,
        uint256 unitPrice
    ) private returns (uint256 settled, uint256 earned) {
        unchecked {
            uint256 orderBefore = stored.tuSettled;
            uint256 before = _jointlySettled[orderId][nodeId];
            uint256 left = stored.tuAmount - (orderBefore - before);
            settled = tu < left ? tu : left;
            if (settled <= before) return (0, 0);

            earned = (settled * unitPrice) / TU - (before * unitPrice) / TU;
            uint256 orderSettled = orderBefore + (settled - before);
            stored.tuSettled = uint96(orderSettled);
            stored.roundingLoss += uint56((orderSettled * unitPrice) / TU - (orderBefore * unitPrice) / TU - earned);
            _jointlySettled[orderId][nodeId] = settled;
        }
    }

    /// @dev Once per call, however much it settles.
    function _pay(address asset, address[] memory payouts, uint256[] memory amounts, uint256 total) private {
        if (total == 0) return;

        _assets[asset].liabilities -= total.toUint128();

        // Interaction
        POOL.addWeights(asset, payouts, amounts);
        IERC20(asset).safeTransfer(address(CONTROLLER), total);
    }

    /* CLOSING */

    /// @inheritdoc IComputeEscrow
    function stop(uint256 orderId) external {
        Stored storage stored = _existing(orderId);
        if (msg.sender != ownerOf(orderId)) revert Escrow_NotHolder(orderId, msg.sender);
        if (block.timestamp >= stored.terms.endsAt) revert Escrow_OrderEnded(orderId, stored.terms.endsAt);

        stored.terms.endsAt = uint40(block.timestamp);
        emit OrderStopped(orderId, block.timestamp);
    }

    /// @inheritdoc IComputeEscrow
    function close(uint256 orderId) external nonReentrant {
        (uint128 refund, uint40 from) = refundable(orderId);
        if (block.timestamp < from) revert Escrow_TooEarly(orderId, from);

        address payee;
        if (_orders[orderId].isRefundPromised) {
            payee = _refundTo[orderId];
            delete _refundTo[orderId];
        } else {
            payee = _ownerOf(orderId);
            if (_hasOwnCode(payee) && !_isAuthorized(payee, msg.sender, orderId)) {
                revert Escrow_NotHolder(orderId, msg.sender);
            }
        }
        address asset = _assetAt[OrderId.assetIndexOf(orderId)];

        _assets[asset].liabilities -= refund;
        delete _orders[orderId];
        _burn(orderId);
        emit OrderClosed(orderId, payee, refund);

        // Interaction: nobody but the payee and the asset's issuer can make this fail
        if (refund != 0) IERC20(asset).safeTransfer(payee, refund);
    }

    /// @dev An account with a key has none, or an EIP-7702 delegation (0xef0100 and an address). EIP-3541 allows no
    /// contract to begin so.
    function _hasOwnCode(address account) private view returns (bool) {
        uint256 length = account.code.length;
        if (length != DELEGATION_LENGTH) return length != 0;
        return bytes3(account.code) != DELEGATION_PREFIX;
    }

    /* PROTOCOL */

    /// @inheritdoc IComputeEscrow
    function setFreeze(uint40 from, uint40 until) external {
        if (msg.sender != address(ORACLE)) revert Escrow_NotOracle(msg.sender);
        _frozenFrom = from;
        _frozenUntil = until;
    }

    /* GOVERNANCE */

    /// @inheritdoc IComputeEscrow
    function listAsset(address asset, uint256 referencePrice) external {
        if (msg.sender != GOVERNOR) revert Escrow_NotGovernor(msg.sender);
        _listAsset(asset, referencePrice);
    }

    function _listAsset(address asset, uint256 referencePrice) private {
        if (_list(asset)) CONTROLLER.createAuction(asset, referencePrice);
        else if (referencePrice != 0) revert Escrow_ReferenceAlreadySet(asset, referencePrice);
    }

    function _list(address asset) private returns (bool isNew) {
        Asset storage listed = _assets[asset];
        if (listed.isListed) revert Escrow_AssetListed(asset);

        isNew = listed.index == 0;
        if (isNew) {
            listed.index = ++_assetCount;
            _assetAt[listed.index] = asset;
        }
        listed.isListed = true;
        emit AssetListed(asset, listed.index);
    }

    /// @inheritdoc IComputeEscrow
    function delistAsset(address asset) external {
        if (msg.sender != GOVERNOR) revert Escrow_NotGovernor(msg.sender);
        if (!_assets[asset].isListed) revert Escrow_AssetNotListed(asset);

        _assets[asset].isListed = false;
        emit AssetDelisted(asset);
    }

    /* VIEWS */

    /// @inheritdoc IComputeEscrow
    function isListed(address asset) external view returns (bool) {
        return _assets[asset].isListed;
    }

    /// @inheritdoc IComputeEscrow
    function liabilities(address asset) external view returns (uint256) {
        return _assets[asset].liabilities;
    }

    /// @inheritdoc IComputeEscrow
    function order(uint256 orderId) external view returns (Order memory) {
        Stored memory stored = _existing(orderId);
        (uint256 deposit, uint256 earned) = _accounts(stored);
        return
            Order({
                nodeId: stored.terms.nodeId,
                asset: _assetAt[OrderId.assetIndexOf(orderId)],
                unitPrice: stored.terms.unitPrice,
                tuAmount: stored.tuAmount,
                tuSettled: stored.tuSettled,
                deposit: uint128(deposit),
                earned: uint128(earned),
                startedAt: stored.terms.startedAt,
                endsAt: stored.terms.endsAt,
                refundTo: _refundTo[orderId]
            });
    }

    /// @inheritdoc IComputeEscrow
    function getStateFingerprint(uint256 orderId) external view returns (bytes32) {
        return keccak256(abi.encode(_existing(orderId)));
    }

    /// @inheritdoc IComputeEscrow
    function tokenURI(uint256 orderId) public view override(ERC721, IComputeEscrow) returns (string memory) {
        _existing(orderId);
        return RENDERER.tokenURI(this, orderId);
    }

    /// @inheritdoc IComputeEscrow
    function settledTU(uint256 orderId, uint256 nodeId) external view returns (uint256) {
        Stored memory stored = _existing(orderId);
        if (stored.terms.nodeId == 0) return _jointlySettled[orderId][nodeId];
        return nodeId == stored.terms.nodeId ? stored.tuSettled : 0;
    }

    /// @inheritdoc IComputeEscrow
    function refundable(uint256 orderId) public view returns (uint128 amount, uint40 from) {
        Stored memory stored = _existing(orderId);
        (uint256 deposit, uint256 earned) = _accounts(stored);
        amount = uint128(deposit - earned); // a part of a uint128

        if (stored.tuSettled == stored.tuAmount) return (amount, 0);

        uint40 endsAt = stored.terms.endsAt;
        uint256 heldUntil = Math.min(ORACLE.lastHoldAt(), endsAt + MAX_HOLD);
        from = uint40(Math.max(endsAt, heldUntil)) + GRACE;
        // a freeze that began once the order could be closed does not concern it
        if (_frozenFrom < from) from = uint40(Math.max(from, _frozenUntil + GRACE));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        // ERC-5646, whose id is that of its one function
        return interfaceId == this.getStateFingerprint.selector || super.supportsInterface(interfaceId);
    }

    function _accounts(Stored memory stored) private pure returns (uint256 deposit, uint256 earned) {
        deposit = _deposit(stored.tuAmount, stored.terms.unitPrice);
        earned = (uint256(stored.tuSettled) * stored.terms.unitPrice) / TU - stored.roundingLoss;
    }

    function _existing(uint256 orderId) private view returns (Stored storage stored) {
        stored = _orders[orderId];
        if (stored.terms.startedAt == 0) revert Escrow_UnknownOrder(orderId);
    }
}
