// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IComputeEscrow } from "./IComputeEscrow.sol";

/// @notice What became of a root of receipts.
/// @custom:value0 Unknown Never submitted.
/// @custom:value1 Pending Submitted; its veto window is open.
/// @custom:value2 Final May be settled against from then on.
/// @custom:value3 Vetoed Refused by the guardian, permanently.
/// @custom:value4 Expired The signers were rotated while it was pending; it may be signed and submitted again.
enum RootStatus {
    Unknown,
    Pending,
    Final,
    Vetoed,
    Expired
}

/// @notice A signature and whose it is: an ECDSA signature, or what the signer's ERC-1271 contract accepts.
struct Signature {
    address signer;
    bytes signature;
}

/// @title ITUReceiptOracle
/// @notice A quorum of signers vouches for roots of receipts, for nodes and for ratings. A guardian can veto a root
/// while it is pending and freeze the network for a bounded time; a governor names signers and guardian.
interface ITUReceiptOracle {
    /* ERRORS */

    /// @notice Indicates a call that only the governor may make.
    error Oracle_NotGovernor(address caller);
    /// @notice Indicates a call that only the guardian may make.
    error Oracle_NotGuardian(address caller);
    /// @notice Indicates a veto window out of bounds, in seconds.
    error Oracle_VetoWindowOutOfBounds(uint256 vetoWindow, uint256 minimum, uint256 maximum);
    /// @notice Indicates too few or too many signers.
    error Oracle_SignerCountOutOfBounds(uint256 count, uint256 minimum, uint256 maximum);
    /// @notice Indicates a quorum k of n signers that is not above two thirds of them, or above all of them.
    error Oracle_InvalidQuorum(uint256 quorum, uint256 signerCount);
    /// @notice Indicates a signer that is zero, a duplicate or out of order.
    error Oracle_SignersNotAscending(address previous, address signer);
    /// @notice Indicates fewer signatures than the quorum.
    error Oracle_TooFewSignatures(uint256 count, uint256 quorum);
    /// @notice Indicates a signature by an account that is not a signer.
    error Oracle_NotSigner(address account);
    /// @notice Indicates a signature that its signer has not given for this data and signer set.
    error Oracle_InvalidSignature(address signer);
    /// @notice Indicates a root or data hash of zero.
    error Oracle_ZeroHash();
    /// @notice Indicates the submission of a root that is pending, final or vetoed.
    error Oracle_KnownRoot(bytes32 receiptsRoot, RootStatus status);
    /// @notice Indicates a root that is not pending and so cannot be vetoed.
    error Oracle_NotPending(bytes32 receiptsRoot, RootStatus status);
    /// @notice Indicates a root that is not final and so cannot be settled against.
    error Oracle_NotFinal(bytes32 receiptsRoot, RootStatus status);
    /// @notice Indicates that the network is frozen.
    error Oracle_Frozen(uint256 until);
    /// @notice Indicates a thaw while nothing is frozen.
    error Oracle_NotFrozen();
    /// @notice Indicates a freeze too soon after the one before.
    error Oracle_FreezeTooSoon(uint256 earliest);
    /// @notice Indicates a guardian of zero.
    error Oracle_ZeroGuardian();

    /* EVENTS */

    /// @notice Emitted when the governor names the signers.
    /// @param signerSetVersion Of the new set; signatures made for any other are dead.
    event SignersSet(uint64 indexed signerSetVersion, address[] signers, uint256 quorum);

    /// @notice Emitted when the governor replaces the guardian.
    event GuardianSet(address indexed oldGuardian, address indexed newGuardian);

    /// @notice Emitted when a quorum's root of receipts is submitted.
    /// @param dataHash SHA-256 of the published receipt file.
    event RootSubmitted(bytes32 indexed receiptsRoot, bytes32 dataHash, uint64 indexed signerSetVersion);

    /// @notice Emitted when the guardian vetoes a pending root.
    event RootVetoed(bytes32 indexed receiptsRoot);

    /// @notice Emitted when the guardian freezes the network.
    event Frozen(uint256 until);

    /// @notice Emitted when the guardian ends a freeze early.
    event Thawed();

    /* IMMUTABLES */

    /// @notice Seconds from a root's submission, or from the end of a freeze that met it, until it is final.
    function VETO_WINDOW() external view returns (uint40);

    function GOVERNOR() external view returns (address);
    function ESCROW() external view returns (IComputeEscrow);

    /* SUBMITTING */

    /// @notice Submits a root of receipts that a quorum has signed. Anyone may call.
    ///
    /// @dev Emits {RootSubmitted}.
    ///
    /// Requirements:
    /// - The network is not frozen; neither hash is zero; the root is unknown or expired.
    /// - The signatures pass {checkQuorum} for
    ///   `ReceiptBatch(bytes32 receiptsRoot,bytes32 dataHash,uint64 signerSetVersion)`.
    ///
    /// @param receiptsRoot Root of a standard Merkle tree of receipts.
    /// @param dataHash SHA-256 of the published receipt file.
    /// @param signatures In ascending order of signer.
    function submit(bytes32 receiptsRoot, bytes32 dataHash, Signature[] calldata signatures) external;

    /* GUARDIAN */

    /// @notice Refuses a pending root permanently. Emits {RootVetoed}. Only the guardian.
    /// @dev Holds up closings, so that honest receipts can be signed again: see {IComputeEscrow-refundable}.
    function veto(bytes32 receiptsRoot) external;

    /// @notice Freezes the network for 7 days at most, and not again within 30 days of its start.
    /// Emits {Frozen}. Only the guardian.
    ///
    /// @dev While frozen nothing is submitted, attested, opened or settled by receipts, and no order is closed but
    /// those that could be before and those fully delivered. Every pending root's veto window starts again when the
    /// freeze ends. Acknowledgements, claims, buybacks and burns go on. There is no freeze before the escrow exists.
    function freeze() external;

    /// @notice Ends a freeze. Emits {Thawed}. Only the guardian.
    function thaw() external;

    /* GOVERNANCE */

    /// @notice Names the signers and raises the signer-set version, also for an unchanged set, so that every older
    /// signature dies. Roots still pending expire; what is final stays final. Emits {SignersSet}. Only the governor.
    /// @dev Holds up closings as a veto does, so that expired receipts can be signed again: see
    /// {IComputeEscrow-refundable}.
    ///
    /// @param signers 4 to 64 accounts in ascending order.
    /// @param quorum How many must sign: 3 · quorum > 2 · signers.
    function setSigners(address[] calldata signers, uint256 quorum) external;

    /// @notice Replaces the guardian. Emits {GuardianSet}. Only the governor.
    function setGuardian(address newGuardian) external;

    /* VIEWS */

    function guardian() external view returns (address);

    /// @notice The version that signatures must carry.
    function signerSetVersion() external view returns (uint64);

    /// @notice The signers in force, in ascending order.
    function signers() external view returns (address[] memory);

    /// @notice How many of them must sign.
    function quorum() external view returns (uint256);

    /// @notice A root's status, and when it is or was final: 0 unless it is pending or final.
    function status(bytes32 receiptsRoot) external view returns (RootStatus status, uint40 finalAt);

    /// @notice When a final root was submitted. Reverts when it is not final, or the network is frozen.
    function finalSubmission(bytes32 receiptsRoot) external view returns (uint40 submittedAt);

    /// @notice When the freeze in force ends, or the last one ended; 0 when there was none.
    function frozenUntil() external view returns (uint40);

    /// @notice When the guardian last vetoed or the governor last replaced the signers, whichever is later; 0 when
    /// neither. Both take receipts from nodes that must be signed again, so both hold up closings.
    function lastHoldAt() external view returns (uint40);

    /// @notice Reverts unless a quorum has signed `structHash` under the oracle's EIP-712 domain.
    ///
    /// Requirements:
    /// - The network is not frozen.
    /// - There are at least {quorum} signatures, in ascending order of signer, every one of them by a signer and valid;
    ///   ECDSA is tried first, then ERC-1271.
    ///
    /// @return stamp Names the present signer set and the latest freeze, for {isUndisturbed}. It is never 0.
    function checkQuorum(bytes32 structHash, Signature[] calldata signatures) external view returns (uint40 stamp);

    /// @notice Returns whether no freeze and no rotation of the signers came after `stamp` and before `until`.
    /// @dev So what a quorum has signed can wait for a veto window without a transaction at its end.
    /// @param stamp From {checkQuorum}.
    /// @param until Unix seconds. The answer can still change before, and not from then on.
    function isUndisturbed(uint40 stamp, uint40 until) external view returns (bool);
}
