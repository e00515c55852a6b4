// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import { IComputeEscrow } from "./interfaces/IComputeEscrow.sol";
import { System } from "./interfaces/IGenesis.sol";
import { ITUReceiptOracle, RootStatus, Signature } from "./interfaces/ITUReceiptOracle.sol";
import { SignerList } from "./SignerList.sol";

/// @title TUReceiptOracle
/// @notice See {ITUReceiptOracle}.
/// @custom:security-contact security@turingfog.example
contract TUReceiptOracle is ITUReceiptOracle, EIP712 {
    struct State {
        address signerList; // slot 0: its code is the signers in force, in ascending order
        uint24 signerSetVersion;
        uint8 quorum;
        uint16 freezes; // how many there have been; 30 days apart, they fit for 5,000 years
        uint40 frozenUntil;
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

    /// @dev A stamp is the signer-set version << 16 | how many freezes there have been.
    uint40 private constant FREEZES_BITS = 16;

    /// @dev A window shorter than the time between two freezes is met by one of them at most.
    uint40 private constant MIN_VETO_WINDOW = 1 minutes;
    uint40 private constant MAX_VETO_WINDOW = 7 days;

    /* IMMUTABLES */

    /// @inheritdoc ITUReceiptOracle
    uint40 public immutable VETO_WINDOW;
    /// @inheritdoc ITUReceiptOracle
    address public immutable GOVERNOR;
    /// @inheritdoc ITUReceiptOracle
    IComputeEscrow public immutable ESCROW;

    /* STORAGE */

    State private _state;

    /// @inheritdoc ITUReceiptOracle
    address public guardian;

    /// @inheritdoc ITUReceiptOracle
    uint40 public lastHoldAt;

    mapping(uint256 signerSetVersion => uint40) private _rotatedAt;
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
        ESCROW = IComputeEscrow(system.escrow);

        _setGuardian(firstGuardian);
        _setSigners(firstSigners, firstQuorum);
    }

    /* SUBMITTING */

    /// @inheritdoc ITUReceiptOracle
    function submit(bytes32 receiptsRoot, bytes32 dataHash, Signature[] calldata signatures) external {
        if (receiptsRoot == 0 || dataHash == 0) revert Oracle_ZeroHash();
        State memory state = _state;
        Root storage root = _roots[receiptsRoot];
        (RootStatus current, ) = _status(root, state);
        if (current != RootStatus.Unknown && current != RootStatus.Expired) {
            revert Oracle_KnownRoot(receiptsRoot, current);
        }

        uint24 version = state.signerSetVersion;
        _checkQuorum(keccak256(abi.encode(RECEIPT_BATCH_TYPEHASH, receiptsRoot, dataHash, version)), signatures, state);

        root.signerSetVersion = version;
        root.freezes = state.freezes;
        root.submittedAt = uint40(block.timestamp);
        emit RootSubmitted(receiptsRoot, dataHash, version);
    }

    /* GUARDIAN */

    /// @inheritdoc ITUReceiptOracle
    function veto(bytes32 receiptsRoot) external {
        _checkGuardian();
        (RootStatus current, ) = status(receiptsRoot);
        if (current != RootStatus.Pending) revert Oracle_NotPending(receiptsRoot, current);

        _roots[receiptsRoot].isVetoed = true;
        lastHoldAt = uint40(block.timestamp);
        emit RootVetoed(receiptsRoot);
    }

    /// @inheritdoc ITUReceiptOracle
    function freeze() external {
        _checkGuardian();
        uint16 count = _state.freezes;
        if (count != 0) {
            uint256 earliest = _freezes[count - 1].startedAt + FREEZE_INTERVAL;
            if (block.timestamp < earliest) revert Oracle_FreezeTooSoon(earliest);
        }

        uint40 until = uint40(block.timestamp) + FREEZE_DURATION;
        _freezes[count] = Freeze({ startedAt: uint40(block.timestamp), endsAt: until });
        _state.freezes = count + 1;
        _state.frozenUntil = until;
        emit Frozen(until);

        ESCROW.setFreeze(uint40(block.timestamp), until);
    }

    /// @inheritdoc ITUReceiptOracle
    function thaw() external {
        _checkGuardian();
        if (block.timestamp >= _state.frozenUntil) revert Oracle_NotFrozen();

        Freeze storage inForce = _freezes[_state.freezes - 1];
        inForce.endsAt = uint40(block.timestamp);
        _state.frozenUntil = uint40(block.timestamp);
        emit Thawed();

        ESCROW.setFreeze(inForce.startedAt, uint40(block.timestamp));
    }

    function _checkGuardian() private view {
        if (msg.sender != guardian) revert Oracle_NotGuardian(msg.sender);
    }

    /* GOVERNANCE */

    /// @inheritdoc ITUReceiptOracle
    function setSigners(address[] calldata newSigners, uint256 newQuorum) external {
        _checkGovernor();
        _setSigners(newSigners, newQuorum);
        lastHoldAt = uint40(block.timestamp);
    }

    function _setSigners(address[] memory newSigners, uint256 newQuorum) private {
        uint256 count = newSigners.length;
        if (count < MIN_SIGNERS || count > MAX_SIGNERS) {
            revert Oracle_SignerCountOutOfBounds(count, MIN_SIGNERS, MAX_SIGNERS);
        }
        if (newQuorum > count || 3 * newQuorum <= 2 * count) revert Oracle_InvalidQuorum(newQuorum, count);

        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address signer = newSigners[i];
            if (signer <= previous) revert Oracle_SignersNotAscending(previous, signer);
            previous = signer;
        }

        uint24 version = _state.signerSetVersion + 1;
        _rotatedAt[version - 1] = uint40(block.timestamp);
        _state.signerList = address(new SignerList(newSigners));
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
        return _signersOf(_state);
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
    function status(bytes32 receiptsRoot) public view returns (RootStatus, uint40) {
        return _status(_roots[receiptsRoot], _state);
    }

    /// @dev The state is handed on, so that it is read once.
    function _status(Root storage root, State memory state) private view returns (RootStatus, uint40) {
        uint40 submittedAt = root.submittedAt;
        if (submittedAt == 0) return (RootStatus.Unknown, 0);
        if (root.isVetoed) return (RootStatus.Vetoed, 0);

        uint64 version = root.signerSetVersion;
        uint40 finalAt = _finalAt(submittedAt, root.freezes, state.freezes);
        if (version != state.signerSetVersion && _rotatedAt[version] < finalAt) return (RootStatus.Expired, 0);

        return (block.timestamp < finalAt ? RootStatus.Pending : RootStatus.Final, finalAt);
    }

    /// @dev Only the first freeze after a submission can meet a root while it is pending.
    function _finalAt(uint40 submittedAt, uint32 freezesBefore, uint32 freezes) private view returns (uint40) {
        uint40 undisturbed = submittedAt + VETO_WINDOW;
        if (freezesBefore == freezes) return undisturbed;

        Freeze storage next = _freezes[freezesBefore];
        return next.startedAt < undisturbed ? next.endsAt + VETO_WINDOW : undisturbed;
    }

    /// @inheritdoc ITUReceiptOracle
    function finalSubmission(bytes32 receiptsRoot) external view returns (uint40) {
        State memory state = _state;
        _checkNotFrozen(state);
        Root storage root = _roots[receiptsRoot];
        (RootStatus current, ) = _status(root, state);
        if (current != RootStatus.Final) revert Oracle_NotFinal(receiptsRoot, current);

        return root.submittedAt;
    }

    /// @inheritdoc ITUReceiptOracle
    function isUndisturbed(uint40 stamp, uint40 until) external view returns (bool) {
        State memory state = _state;
        uint256 version = stamp >> FREEZES_BITS;
        if (version != state.signerSetVersion && _rotatedAt[version] < until) return false;

        uint16 freezesBefore = uint16(stamp); // the low FREEZES_BITS
        return freezesBefore == state.freezes || _freezes[freezesBefore].startedAt >= until;
    }

    /// @inheritdoc ITUReceiptOracle
    function checkQuorum(bytes32 structHash, Signature[] calldata signatures) external view returns (uint40 stamp) {
        State memory state = _state;
        _checkQuorum(structHash, signatures, state);
        return (uint40(state.signerSetVersion) << FREEZES_BITS) | state.freezes;
    }

    function _checkQuorum(bytes32 structHash, Signature[] calldata signatures, State memory state) private view {
        _checkNotFrozen(state);
        if (signatures.length < state.quorum) revert Oracle_TooFewSignatures(signatures.length, state.quorum);

        bytes32 digest = _hashTypedDataV4(structHash);
        address[] memory inForce = _signersOf(state);
        uint256 next = 0; // in `inForce`, which is in ascending order too
        address previous = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            Signature calldata given = signatures[i];
            address signer = given.signer;
            if (signer <= previous) revert Oracle_SignersNotAscending(previous, signer);
            address candidate = address(0);
            while (candidate < signer && next < inForce.length) candidate = inForce[next++];
            if (candidate != signer) revert Oracle_NotSigner(signer);
            if (!_isValid(signer, digest, given.signature)) revert Oracle_InvalidSignature(signer);
            previous = signer;
        }
    }

    function _signersOf(State memory state) private view returns (address[] memory inForce) {
        address list = state.signerList;
        // the code is an array as memory has it, see {SignerList}; abi.decode of it would cost 600 gas more
        assembly ("memory-safe") {
            inForce := mload(0x40)
            let size := extcodesize(list)
            extcodecopy(list, inForce, 0, size)
            mstore(0x40, add(inForce, size))
        }
    }

    /// @dev ECDSA first: an account that signs so need not be looked up.
    function _isValid(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    function _checkNotFrozen(State memory state) private view {
        if (block.timestamp < state.frozenUntil) revert Oracle_Frozen(state.frozenUntil);
    }
}
