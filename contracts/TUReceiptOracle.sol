// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import { System } from "./interfaces/IGenesis.sol";
import { ITUReceiptOracle, RootStatus, Signature } from "./interfaces/ITUReceiptOracle.sol";

/// @title TUReceiptOracle
/// @notice See {ITUReceiptOracle}.
/// @custom:security-contact security@turingfog.example
contract TUReceiptOracle is ITUReceiptOracle, EIP712 {
    struct State {
        uint64 signerSetVersion; // slot 0
        uint8 quorum;
        uint32 freezes; // how many there have been
        uint40 frozenUntil;
        uint40 lastVetoAt;
    }

    struct Root {
        uint64 signerSetVersion; // slot 0
        uint32 freezes; // how many there had been, so also the index of the next one
        uint40 submittedAt;
        bool isVetoed;
    }

    struct Freeze {
        uint40 startedAt; // slot 0
        uint40 endsAt;
    }

    /* CONSTANTS */

    bytes32 private constant RECEIPT_BATCH_TYPEHASH = keccak256(
        "ReceiptBatch(bytes32 receiptsRoot,bytes32 dataHash,uint64 signerSetVersion)"
    );

    uint256 private constant MIN_SIGNERS = 4;
    uint256 private constant MAX_SIGNERS = 64;

    uint40 private constant FREEZE_DURATION = 7 days;
    uint40 private constant FREEZE_INTERVAL = 30 days;

    /// @dev A window shorter than the time between two freezes is met by one of them at most.
    uint40 private constant MIN_VETO_WINDOW = 1 minutes;
    uint40 private constant MAX_VETO_WINDOW = 7 days;

    /* IMMUTABLES */

    /// @inheritdoc ITUReceiptOracle
    uint40 public immutable VETO_WINDOW;
    /// @inheritdoc ITUReceiptOracle
    address public immutable GOVERNOR;

    /* STORAGE */

    State private _state;

    /// @inheritdoc ITUReceiptOracle
    address public guardian;

    address[] private _signers;

    /// @dev The last set that an account was named in; it signs while that is the set in force.
    mapping(address signer => uint64 signerSetVersion) private _namedIn;

    mapping(uint64 signerSetVersion => uint40) private _rotatedAt;
    mapping(uint256 index => Freeze) private _freezes;
    mapping(bytes32 receiptsRoot => Root) private _roots;

    /* CONSTRUCTOR */

    constructor(
        System memory system,
        uint40 vetoWindow,
        address firstGuardian,
        address[] memory firstSigners,
        uint256 firstQuorum
    ) EIP712("TuringFog TUReceiptOracle", "1") {
        if (vetoWindow < MIN_VETO_WINDOW || vetoWindow > MAX_VETO_WINDOW) {
            revert Oracle_VetoWindowOutOfBounds(vetoWindow, MIN_VETO_WINDOW, MAX_VETO_WINDOW);
        }

        VETO_WINDOW = vetoWindow;
        GOVERNOR = system.governor;

        _setGuardian(firstGuardian);
        _setSigners(firstSigners, firstQuorum);
    }

    /* SUBMITTING */

    /// @inheritdoc ITUReceiptOracle
    function submit(bytes32 receiptsRoot, bytes32 dataHash, Signature[] calldata signatures) external {
        if (receiptsRoot == 0 || dataHash == 0) revert Oracle_ZeroHash();
        (RootStatus current, ) = status(receiptsRoot);
        if (current != RootStatus.Unknown && current != RootStatus.Expired) {
            revert Oracle_KnownRoot(receiptsRoot, current);
        }

        uint64 version = _state.signerSetVersion;
        checkQuorum(keccak256(abi.encode(RECEIPT_BATCH_TYPEHASH, receiptsRoot, dataHash, version)), signatures);

        _roots[receiptsRoot] = Root({
            signerSetVersion: version,
            freezes: _state.freezes,
            submittedAt: uint40(block.timestamp),
            isVetoed: false
        });
        emit RootSubmitted(receiptsRoot, dataHash, version);
    }

    /* GUARDIAN */

    /// @inheritdoc ITUReceiptOracle
    function veto(bytes32 receiptsRoot) external {
        _checkGuardian();
        (RootStatus current, ) = status(receiptsRoot);
        if (current != RootStatus.Pending) revert Oracle_NotPending(receiptsRoot, current);

        _roots[receiptsRoot].isVetoed = true;
        _state.lastVetoAt = uint40(block.timestamp);
        emit RootVetoed(receiptsRoot);
    }

    /// @inheritdoc ITUReceiptOracle
    function freeze() external {
        _checkGuardian();
        uint32 count = _state.freezes;
        if (count != 0) {
            uint256 earliest = _freezes[count - 1].startedAt + FREEZE_INTERVAL;
            if (block.timestamp < earliest) revert Oracle_FreezeTooSoon(earliest);
        }

        uint40 until = uint40(block.timestamp) + FREEZE_DURATION;
        _freezes[count] = Freeze({ startedAt: uint40(block.timestamp), endsAt: until });
        _state.freezes = count + 1;
        _state.frozenUntil = until;
        emit Frozen(until);
    }

    /// @inheritdoc ITUReceiptOracle
    function thaw() external {
        _checkGuardian();
        if (block.timestamp >= _state.frozenUntil) revert Oracle_NotFrozen();

        _freezes[_state.freezes - 1].endsAt = uint40(block.timestamp);
        _state.frozenUntil = uint40(block.timestamp);
        emit Thawed();
    }

    function _checkGuardian() private view {
        if (msg.sender != guardian) revert Oracle_NotGuardian(msg.sender);
    }

    /* GOVERNANCE */

    /// @inheritdoc ITUReceiptOracle
    function setSigners(address[] calldata newSigners, uint256 newQuorum) external {
        _checkGovernor();
        _setSigners(newSigners, newQuorum);
    }

    function _setSigners(address[] memory newSigners, uint256 newQuorum) private {
        uint256 count = newSigners.length;
        if (count < MIN_SIGNERS || count > MAX_SIGNERS) {
            revert Oracle_SignerCountOutOfBounds(count, MIN_SIGNERS, MAX_SIGNERS);
        }
        if (newQuorum > count || 3 * newQuorum <= 2 * count) revert Oracle_InvalidQuorum(newQuorum, count);

        uint64 version = _state.signerSetVersion + 1;
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address signer = newSigners[i];
            if (signer <= previous) revert Oracle_SignersNotAscending(previous, signer);
            _namedIn[signer] = version;
            previous = signer;
        }

        _rotatedAt[version - 1] = uint40(block.timestamp);
        _signers = newSigners;
        _state.signerSetVersion = version;
        _state.quorum = uint8(newQuorum); // at most MAX_SIGNERS
        emit SignersSet(version, newSigners, newQuorum);
    }

    /// @inheritdoc ITUReceiptOracle
    function setGuardian(address newGuardian) external {
        _checkGovernor();
        _setGuardian(newGuardian);
    }

    function _setGuardian(address newGuardian) private {
        if (newGuardian == address(0)) revert Oracle_ZeroGuardian();

        emit GuardianSet(guardian, newGuardian);
        guardian = newGuardian;
    }

    function _checkGovernor() private view {
        if (msg.sender != GOVERNOR) revert Oracle_NotGovernor(msg.sender);
    }

    /* VIEWS */

    /// @inheritdoc ITUReceiptOracle
    function signerSetVersion() external view returns (uint64) {
        return _state.signerSetVersion;
    }

    /// @inheritdoc ITUReceiptOracle
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @inheritdoc ITUReceiptOracle
    function quorum() external view returns (uint256) {
        return _state.quorum;
    }

    /// @inheritdoc ITUReceiptOracle
    function frozenUntil() external view returns (uint40) {
        return _state.frozenUntil;
    }

    /// @inheritdoc ITUReceiptOracle
    function lastVetoAt() external view returns (uint40) {
        return _state.lastVetoAt;
    }

    /// @inheritdoc ITUReceiptOracle
    function status(bytes32 receiptsRoot) public view returns (RootStatus, uint40) {
        Root memory root = _roots[receiptsRoot];
        if (root.submittedAt == 0) return (RootStatus.Unknown, 0);
        if (root.isVetoed) return (RootStatus.Vetoed, 0);

        uint40 finalAt = _finalAt(root);
        bool isRotated = root.signerSetVersion != _state.signerSetVersion;
        if (isRotated && _rotatedAt[root.signerSetVersion] < finalAt) return (RootStatus.Expired, 0);

        return (block.timestamp < finalAt ? RootStatus.Pending : RootStatus.Final, finalAt);
    }

    /// @dev Only the first freeze after a submission can meet a root while it is pending.
    function _finalAt(Root memory root) private view returns (uint40) {
        uint40 undisturbed = root.submittedAt + VETO_WINDOW;
        if (root.freezes == _state.freezes) return undisturbed;

        Freeze memory next = _freezes[root.freezes];
        return next.startedAt < undisturbed ? next.endsAt + VETO_WINDOW : undisturbed;
    }

    /// @inheritdoc ITUReceiptOracle
    function finalSubmission(bytes32 receiptsRoot) external view returns (uint40) {
        _checkNotFrozen();
        (RootStatus current, ) = status(receiptsRoot);
        if (current != RootStatus.Final) revert Oracle_NotFinal(receiptsRoot, current);

        return _roots[receiptsRoot].submittedAt;
    }

    /// @inheritdoc ITUReceiptOracle
    function checkQuorum(bytes32 structHash, Signature[] calldata signatures) public view {
        _checkNotFrozen();
        if (signatures.length < _state.quorum) revert Oracle_TooFewSignatures(signatures.length, _state.quorum);

        bytes32 digest = _hashTypedDataV4(structHash);
        uint64 version = _state.signerSetVersion;
        address previous = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = signatures[i].signer;
            if (signer <= previous) revert Oracle_SignersNotAscending(previous, signer);
            if (_namedIn[signer] != version) revert Oracle_NotSigner(signer);
            if (!_isValid(signer, digest, signatures[i].signature)) revert Oracle_InvalidSignature(signer);
            previous = signer;
        }
    }

    /// @dev ECDSA first: an account that signs so need not be looked up.
    function _isValid(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return SignatureChecker.isValidERC1271SignatureNow(signer, digest, signature);
    }

    function _checkNotFrozen() private view {
        if (block.timestamp < _state.frozenUntil) revert Oracle_Frozen(_state.frozenUntil);
    }
}
