// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
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
import { OrderPlaces, Place, Terms } from "./libraries/OrderPlaces.sol";
import { ReceiptLeaves } from "./libraries/ReceiptLeaves.sol";
import { Words } from "./libraries/Words.sol";
import { OrderState, toOrderState } from "./types/OrderState.sol";
import { StandingWord } from "./types/StandingWord.sol";

/// @title ComputeEscrow
/// @notice See {IComputeEscrow}.
/// @custom:security-contact security@turingfog.example
contract ComputeEscrow is IComputeEscrow, ERC721, EIP712, ReentrancyGuardTransient {
    using OrderPlaces for Place;
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

    /* CONSTANTS */

    bytes32 private constant ACKNOWLEDGEMENT_TYPEHASH = keccak256(
        "Acknowledgement(uint256 orderId,uint96 cumulativeTU)"
    );

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

    /// @dev Stands in every count of orders once it was above 0, so that its slot never returns to zero.
    uint256 private constant COUNTED = 1 << 255;

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

    mapping(uint256 number => Place) private _places;

    /// @dev How many orders someone holds, marked by COUNTED.
    mapping(address holder => uint256) private _counts;

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

        uint256 value = OrderPlaces.depositFor(params.tuAmount, params.maxUnitPrice);
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
        deposit = OrderPlaces.depositFor(params.tuAmount, unitPrice).toUint128();
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
        orderId = _takePlace(asset, params.reuse);
        asset.liabilities += deposit;
        // before the state is written: until then the place does not hold the order, so that the token has no owner
        _mint(params.renter, orderId);
        Place storage place = _places[OrderId.placeOf(orderId)];
        place.terms = Terms({
            unitPrice: unitPrice,
            nodeId: params.nodeId.toUint48(),
            startedAt: uint40(block.timestamp),
            endsAt: endsAt
        });
        place.state = toOrderState(params.tuAmount, orderId);
        place.isRefundPromised = params.refundTo != address(0);
        if (params.refundTo != address(0)) _refundTo[orderId] = params.refundTo;
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

    /// @dev Returns the id of an order in the place that `reuse` has vacated, or else in a new one.
    function _takePlace(Asset storage asset, uint256 reuse) private returns (uint256) {
        if (OrderId.hasNext(reuse) && _places[OrderId.placeOf(reuse)].state.isVacatedBy(reuse)) {
            return OrderId.next(reuse, asset.index);
        }
        return OrderId.first(asset.index, ++asset.lastSerial);
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
            for (uint256 i = 0; i < receipts.length; ++i) {
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
        Place storage place = _places[OrderId.placeOf(orderId)];
        OrderState state = place.state;
        if (!state.isOpen(orderId)) return _skip(receipt, SkipReason.UnknownOrder);
        uint256 orderNodeId = place.terms.nodeId;
        if (receipt.nodeId != orderNodeId && orderNodeId != 0) return _skip(receipt, SkipReason.WrongNode);
        (uint256 startedAt, uint256 unitPrice) = (place.terms.startedAt, place.terms.unitPrice);
        uint256 t = receipt.measuredAt;
        if (t < startedAt) return _skip(receipt, SkipReason.BeforeStart);
        if (t > submittedAt) return _skip(receipt, SkipReason.AfterSubmission);
        if (t > place.terms.endsAt) return _skip(receipt, SkipReason.AfterEnd);
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
            ? place.raiseJointly(state, unitPrice, _jointlySettled[orderId], receipt.nodeId, tu)
            : place.raise(state, unitPrice, tu);
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
            nodeIds.set(i, _places[OrderId.placeOf(acknowledgements[i].orderId)].terms.nodeId);
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

    /// @param nodeId,payout Of the order in the acknowledged one's place.
    function _acknowledge(
        Acknowledgement calldata acknowledgement,
        uint256 assetIndex,
        uint256 nodeId,
        address payout
    ) private returns (uint256 earned) {
        uint256 orderId = acknowledgement.orderId;
        if (OrderId.assetIndexOf(orderId) != assetIndex) return _skip(orderId, SkipReason.OtherAsset);
        Place storage place = _places[OrderId.placeOf(orderId)];
        OrderState state = place.state;
        if (!state.isOpen(orderId)) return _skip(orderId, SkipReason.UnknownOrder);
        if (nodeId == 0) return _skip(orderId, SkipReason.JointOrder);
        address signer = acknowledgement.signature.length == 0 ? msg.sender : _signerOf(acknowledgement);
        if (signer != _payeeOf(place, orderId)) return _skip(orderId, SkipReason.NotAcknowledged);

        uint256 tu;
        (tu, earned) = place.raise(state, place.terms.unitPrice, acknowledgement.cumulativeTU);
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
        Terms storage terms = _existing(orderId).terms;
        if (msg.sender != ownerOf(orderId)) revert Escrow_NotHolder(orderId, msg.sender);
        if (block.timestamp >= terms.endsAt) revert Escrow_OrderEnded(orderId, terms.endsAt);

        terms.endsAt = uint40(block.timestamp);
        emit OrderStopped(orderId, block.timestamp);
    }

    /// @inheritdoc IComputeEscrow
    function close(uint256 orderId) external nonReentrant {
        (uint128 refund, uint40 from) = refundable(orderId);
        if (block.timestamp < from) revert Escrow_TooEarly(orderId, from);

        Place storage place = _places[OrderId.placeOf(orderId)];
        address payee = _payeeOf(place, orderId);
        if (place.isRefundPromised) delete _refundTo[orderId];
        else if (_hasOwnCode(payee) && !_isAuthorized(payee, msg.sender, orderId)) {
            revert Escrow_NotHolder(orderId, msg.sender);
        }
        address asset = _assetAt[OrderId.assetIndexOf(orderId)];

        _assets[asset].liabilities -= refund;
        // before the order vacates its place: afterwards the token has no owner
        _burn(orderId);
        place.state = place.state.vacated();
        emit OrderClosed(orderId, payee, refund);

        // Interaction: nobody but the payee and the asset's issuer can make this fail
        if (refund != 0) IERC20(asset).safeTransfer(payee, refund);
    }

    /// @dev Returns who is refunded when an open order closes.
    function _payeeOf(Place storage place, uint256 orderId) private view returns (address) {
        return place.isRefundPromised ? _refundTo[orderId] : place.holder;
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
        Place memory place = _existing(orderId);
        (uint256 deposit, uint256 earned) = place.accounts();
        return
            Order({
                nodeId: place.terms.nodeId,
                asset: _assetAt[OrderId.assetIndexOf(orderId)],
                unitPrice: place.terms.unitPrice,
                tuAmount: uint96(place.state.tuAmount()),
                tuSettled: uint96(place.state.tuSettled()),
                deposit: uint128(deposit),
                earned: uint128(earned),
                startedAt: place.terms.startedAt,
                endsAt: place.terms.endsAt,
                refundTo: _refundTo[orderId]
            });
    }

    /// @inheritdoc IComputeEscrow
    function getStateFingerprint(uint256 orderId) external view returns (bytes32) {
        Place storage place = _existing(orderId);
        return keccak256(abi.encode(place.terms, place.state, place.isRefundPromised));
    }

    /// @inheritdoc IComputeEscrow
    function tokenURI(uint256 orderId) public view override(ERC721, IComputeEscrow) returns (string memory) {
        _existing(orderId);
        return RENDERER.tokenURI(this, orderId);
    }

    /// @inheritdoc IComputeEscrow
    function settledTU(uint256 orderId, uint256 nodeId) external view returns (uint256) {
        Place storage place = _existing(orderId);
        if (place.terms.nodeId == 0) return _jointlySettled[orderId][nodeId];
        return nodeId == place.terms.nodeId ? place.state.tuSettled() : 0;
    }

    /// @inheritdoc IComputeEscrow
    function refundable(uint256 orderId) public view returns (uint128 amount, uint40 from) {
        Place memory place = _existing(orderId);
        (uint256 deposit, uint256 earned) = place.accounts();
        amount = uint128(deposit - earned); // a part of a uint128

        if (place.state.tuSettled() == place.state.tuAmount()) return (amount, 0);

        uint40 endsAt = place.terms.endsAt;
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

    function _existing(uint256 orderId) private view returns (Place storage place) {
        place = _places[OrderId.placeOf(orderId)];
        if (!place.state.isOpen(orderId)) revert Escrow_UnknownOrder(orderId);
    }

    /* ERC-721 BY PLACE */

    /// @notice Returns how many orders someone holds.
    function balanceOf(address holder) public view override(ERC721, IERC721) returns (uint256) {
        if (holder == address(0)) revert ERC721InvalidOwner(holder);
        return _counts[holder] & ~COUNTED;
    }

    function _ownerOf(uint256 orderId) internal view override returns (address) {
        Place storage place = _places[OrderId.placeOf(orderId)];
        return place.state.isOpen(orderId) ? place.holder : address(0);
    }

    /// @dev As OpenZeppelin's, which keeps owners by id, but for two refusals. An order whose refund is promised to
    /// someone must not be sold to someone else. The escrow holds none: its refund would be nobody's.
    function _update(address to, uint256 orderId, address auth) internal override returns (address from) {
        from = _ownerOf(orderId);
        if (auth != address(0)) _checkAuthorized(from, auth, orderId);
        if (to == address(this)) revert ERC721InvalidReceiver(to);

        Place storage place = _places[OrderId.placeOf(orderId)];
        if (from != address(0)) {
            if (to != address(0) && place.isRefundPromised) {
                revert Escrow_NotTransferable(orderId, _refundTo[orderId]);
            }
            // kept by a closed order, whose owner is zero, an approval would let the order be transferred from there
            _approve(address(0), orderId, address(0), false);
            --_counts[from];
        }
        if (to != address(0)) {
            _counts[to] = (_counts[to] | COUNTED) + 1;
            place.holder = to;
        }
        emit Transfer(from, to, orderId);
    }
}
