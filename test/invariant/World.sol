// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import { Receipt } from "../../contracts/interfaces/IComputeEscrow.sol";
import { RootStatus } from "../../contracts/interfaces/ITUReceiptOracle.sol";
import { TestToken } from "../../contracts/mocks/TestToken.sol";
import { Deployment } from "./Deployment.sol";

/// @notice What the handlers know without asking the contracts: who acts, and ghost variables kept by the rules of the
/// protocol as they are specified, against which {Statements} holds the contracts. Sums are kept, not added up anew.
abstract contract World is Deployment {
    /// @dev An order that is open.
    struct Job {
        uint256 id;
        address asset;
        address holder;
        address refundTo;
        uint256 nodeId;
        uint256 unitPrice;
        uint256 tu;
        uint256 settled;
        uint256 deposit;
        uint256 earned;
        uint256 startedAt;
        uint256 endsAt;
    }

    /// @dev What one node has done on one order.
    struct Pair {
        uint256 settled;
        uint256 earned;
    }

    struct Machine {
        uint256 id;
        address owner;
        address payout;
        uint256 rate;
        uint256 attestedFrom; // of the last that counts, or counted when it was last looked at
        uint256 attestedUntil;
        uint256 lapsedFrom;
        uint256 lapsedUntil;
        uint256 pendingFrom; // 0 when none is pending
        uint256 pendingUntil;
        uint256 revokedUntil;
    }

    struct Offer {
        uint256 unitPrice;
        uint256 capacity;
    }

    /// @dev A root that was submitted.
    struct Batch {
        bytes32 root;
        uint256 submittedAt;
        uint256 version;
        uint256 freezes;
        bool isVetoed;
        bool isTried; // in a settlement
        Receipt[] receipts;
    }

    struct Freeze {
        uint256 startedAt;
        uint256 endsAt;
    }

    struct Bucket {
        uint256 openedAt; // at its first earning
        uint256 weight;
        uint256 reward;
        uint256 claimed;
        uint256 miners;
        uint256 unclaimed; // miners who have not claimed
        bool isFinal;
    }

    /// @dev Sums over all time, in base units of one asset.
    struct Books {
        uint256 paidIn;
        uint256 earned;
        uint256 refunded;
        uint256 writtenOff;
        uint256 givenToEscrow;
        uint256 givenToController;
    }

    /// @dev The rounds of one asset, and the lot that is for sale.
    struct Auction {
        uint256 opened; // how many rounds have earned
        uint256 finished; // how many of them are final
        uint256 finishedAt; // when the last of these became final
        uint256 reference_;
        uint256 sold;
        uint256 proceeds;
        uint256 seenPrice; // the last price seen of the lot of `seenRound`
        uint256 seenRound;
    }

    /// @dev How often an action was done, refused as it must be, or found nothing to be done with.
    struct Tally {
        uint64 done;
        uint64 refused;
        uint64 idle;
    }

    enum Outcome {
        Done,
        Refused,
        Idle
    }

    /* THE RULES' NUMBERS */

    uint256 internal constant TU = 1e18;
    uint256 internal constant MOST_TU = 200e18; // that an order buys
    uint256 internal constant NOMINAL = 1_000_000_000e18;
    uint256 internal constant ULTIMATE = 100_000_000e18;
    uint256 internal constant RESERVE = 350_000_000e18;
    uint256 internal constant E1 = 437_500_000e18;
    uint256 internal constant E2 = 900_000_000e18;
    uint256 internal constant FREEZE_DURATION = 7 days;
    uint256 internal constant FREEZE_INTERVAL = 30 days;
    uint256 internal constant MAX_HOLD = 7 days;

    /* ACTORS */

    uint256 internal constant RENTERS = 3;
    uint256 internal constant MINERS = 4;
    uint256 internal constant PERMIT_KEY = 0x9e1217;
    address internal constant GATEWAY = address(0x6a7e);
    address internal constant BIDDER = address(0xb1dde1);
    address internal constant STRANGER = address(0x57a49e);
    address internal constant COLD_WALLET = address(0xc01d);
    address internal constant OTHER_TREASURY = address(0x7e2);

    address internal immutable permitRenter;

    /* WHAT IS KNOWN */

    address[3] internal assets;
    Job[] internal jobs;
    mapping(uint256 orderId => uint256) internal placeOf; // in `jobs`, from 1
    mapping(address asset => uint256) internal placesOf; // whose first order was in the asset
    uint256[] internal closed; // in the order of their closing
    mapping(uint256 orderId => bool) internal isGiven;
    mapping(uint256 place => uint256) internal latestIn;
    mapping(uint256 orderId => mapping(uint256 nodeId => Pair)) internal pairs;

    uint256 internal ratedAt; // the model whose nodes cannot be registered yet; 0 when there is none
    uint256 internal lastRating;
    uint256 internal modelCount = 7; // rated at genesis, and those with nodes since
    Machine[] internal machines;
    mapping(uint256 nodeId => uint256) internal machineOf; // in `machines`, from 1
    mapping(uint256 nodeId => mapping(address asset => Offer)) internal offers;

    Batch[] internal batches;
    Freeze[] internal freezes;
    uint256 internal frozenUntil;
    uint256 internal lastVetoAt;
    uint256 internal lastRotationAt;
    address internal guardian = FIRST_GUARDIAN;
    uint256 internal version = 1;
    uint256 internal firstSigner; // in `signerKeys`
    uint256 internal signerCount = FIRST_SIGNERS;
    uint256 internal quorum = FIRST_QUORUM;
    mapping(uint256 version => uint256) internal rotatedAt;

    mapping(address asset => Books) internal books;
    mapping(address asset => Auction) internal auctions;
    mapping(address asset => bool) internal isDelisted;

    mapping(uint256 bucketId => Bucket) internal buckets;
    mapping(uint256 bucketId => mapping(address miner => uint256)) internal weights;
    mapping(address miner => uint256[]) internal bucketsOf; // not claimed yet
    mapping(address miner => address) internal recipients;
    uint256[] internal finals;

    uint256 internal givenToPool;
    uint256 internal givenToVault;
    uint256 internal burned;
    uint256 internal rewarded;
    uint256 internal claimed;
    uint256 internal operationsOwed;
    uint256 internal share = FIRST_SHARE;
    address internal treasury = TREASURY;

    /// @dev At the last check.
    uint128 internal circulatingBefore = type(uint128).max;
    uint128 internal supplyBefore = type(uint128).max;

    /* WHAT HAPPENED */

    uint256 internal calls;
    bool internal isBeginning; // what is lived before a history is not counted as met by it
    mapping(bytes32 name => Tally) internal tallies;
    bytes32[] internal names;
    mapping(bytes32 name => uint256) internal sights;
    bytes32[] internal sightNames;
    Outcome private _outcome;
    uint256 private _entropy;

    constructor() {
        permitRenter = vm.addr(PERMIT_KEY);
        assets = [address(tft), address(usd), address(dai)];
        for (uint256 i = 1; i < assets.length; ++i) auctions[assets[i]].reference_ = FIRST_REFERENCE;
    }

    /* ACTIONS */

    /// @dev Counts what becomes of an action.
    modifier action(bytes32 name) {
        ++calls;
        _outcome = Outcome.Done;

        _;

        if (!isBeginning) _count(name);
    }

    function _count(bytes32 name) private {
        Tally storage tally = tallies[name];
        if (tally.done + tally.refused + tally.idle == 0) names.push(name);
        if (_outcome == Outcome.Done) ++tally.done;
        else if (_outcome == Outcome.Refused) ++tally.refused;
        else ++tally.idle;
    }

    /// @dev A situation worth knowing that campaigns reach.
    function _saw(bytes32 name) internal {
        if (!isBeginning && sights[name]++ == 0) sightNames.push(name);
    }

    function _idle() internal {
        _outcome = Outcome.Idle;
    }

    /// @dev Makes a call that the protocol must refuse for the given reason.
    function _refused(address caller, address target, bytes memory data, bytes4 reason) internal {
        _outcome = Outcome.Refused;
        _refusedBeside(caller, target, data, reason);
    }

    /// @dev The same beside an action that is done.
    function _refusedBeside(address caller, address target, bytes memory data, bytes4 reason) internal {
        vm.prank(caller);
        (bool isDone, bytes memory answer) = target.call(data);
        require(!isDone, string.concat("not refused: ", vm.toString(bytes32(reason))));
        require(
            bytes4(answer) == reason,
            string.concat("refused for ", vm.toString(answer), " instead of ", vm.toString(bytes32(reason)))
        );
    }

    /// @dev Statement 10: what a call costs does not grow with what happened before it.
    function _bounded(uint256 gasBefore, uint256 most) internal view {
        uint256 used = gasBefore - gasleft();
        require(used <= most, string.concat("used ", vm.toString(used), " gas, more than ", vm.toString(most)));
    }

    /* DRAWING */

    /// @dev What is drawn from here on follows from the seed and from what happened before.
    function _shuffle(uint256 seed) internal {
        _entropy = uint256(keccak256(abi.encode(seed, calls)));
    }

    /// @dev A number below `n`.
    function _draw(uint256 n) internal returns (uint256) {
        uint256 entropy = uint256(Hashes.efficientKeccak256(bytes32(_entropy), 0));
        _entropy = entropy;
        return entropy % n;
    }

    /// @dev A number from 1 to `most`, half the time of any order of magnitude.
    function _scaled(uint256 most) internal returns (uint256) {
        if (_draw(2) == 0) most >>= _draw(_log2(most) + 1);
        return 1 + _draw(most);
    }

    function _log2(uint256 n) private pure returns (uint256 bits) {
        while (n > 1) {
            n >>= 1;
            ++bits;
        }
    }

    function _drawAsset() internal returns (address) {
        return assets[_draw(3)];
    }

    /// @dev One of the ten newest, attested if one of three is.
    function _workingMachine() internal returns (Machine storage machine) {
        machine = _machine();
        for (uint256 i = 0; i < 2 && machine.attestedUntil < block.timestamp; ++i) machine = _machine();
    }

    /// @dev One of the ten newest.
    function _machine() internal returns (Machine storage machine) {
        uint256 count = machines.length;
        machine = machines[count - 1 - _draw(count < 10 ? count : 10)];
        _ripen(machine);
    }

    function _ratedModel() internal view returns (string memory) {
        return string.concat("model ", vm.toString(modelCount));
    }

    /// @dev Whether the attestation that counts lasts: of a revoked one, the second of its revocation is left.
    function _isRenewable(Machine storage machine) internal view returns (bool) {
        return machine.attestedUntil >= block.timestamp;
    }

    /// @dev What is pending and has come to count takes the place of what lapsed.
    function _ripen(Machine storage machine) internal {
        if (machine.pendingFrom == 0 || block.timestamp < machine.pendingFrom) return;
        if (machine.attestedFrom != 0) {
            (machine.lapsedFrom, machine.lapsedUntil) = (machine.attestedFrom, machine.attestedUntil);
        }
        (machine.attestedFrom, machine.attestedUntil) = (machine.pendingFrom, machine.pendingUntil);
        machine.pendingFrom = 0;
    }

    /// @dev A freeze or a rotation undoes what does not count yet.
    function _undoPending() internal {
        if (block.timestamp < ratedAt + VETO_WINDOW) ratedAt = 0;
        for (uint256 i = 0; i < machines.length; ++i) {
            Machine storage machine = machines[i];
            _ripen(machine);
            if (machine.pendingFrom != 0) _saw("undid a pending attestation");
            machine.pendingFrom = 0;
        }
    }

    /// @dev The asset of an order, open or not, or of one that never was.
    function _assetOf(uint256 orderId) internal view returns (address) {
        return assets[uint16(orderId >> 16) - 1];
    }

    function _renter(uint256 i) internal pure returns (address) {
        return address(uint160(0xe0 + i));
    }

    function _miner(uint256 i) internal pure returns (address) {
        return address(uint160(0xf0 + i));
    }

    /* MONEY */

    /// @dev So much that a few dozen orders move the whole supply, at the price that the asset had last.
    function _most(address asset) internal view returns (uint256 most) {
        most = tft.balanceOf(BANK) / 2;
        if (asset != address(tft)) most = (most * _unit(asset)) / auctions[asset].reference_;
        if (most == 0) most = 1;
    }

    function _unit(address asset) internal view returns (uint256) {
        return asset == address(usd) ? 1e6 : 1e18;
    }

    function _fund(address asset, address to, uint256 amount) internal {
        if (asset == address(tft)) {
            vm.prank(BANK);
            tft.transfer(to, amount);
        } else {
            TestToken(asset).mint(to, amount);
        }
    }

    function _balance(address asset, address holder) internal view returns (uint256) {
        return _read(asset, IERC20.balanceOf.selector, uint160(holder));
    }

    /* READING */

    /// @dev The one word that a view answers with. Checks read so much that they save what Solidity spends on each call.
    function _read(address target, bytes4 selector, uint256 argument) internal view returns (uint256 word) {
        bool isRead;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            mstore(0x04, argument)
            isRead := and(eq(returndatasize(), 0x20), staticcall(gas(), target, 0x00, 0x24, 0x00, 0x20))
            word := mload(0x00)
        }
        require(isRead, "a view answers with a word");
    }

    /// @dev The struct of words that a view answers with, to where it stands in memory.
    function _readTo(uint256 place, uint256 words, address target, bytes4 selector, uint256 argument) internal view {
        bool isRead;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            mstore(0x04, argument)
            isRead := and(
                eq(returndatasize(), mul(words, 0x20)),
                staticcall(gas(), target, 0x00, 0x24, place, mul(words, 0x20))
            )
        }
        require(isRead, "a view answers with its words");
    }

    /* RULES */

    /// @dev What is released in all once so much is burned in all.
    function _entitlement(uint256 burnedInAll) internal pure returns (uint256) {
        return burnedInAll >= E1 ? RESERVE : (burnedInAll * 8) / 10;
    }

    /// @dev The first round that is not final closes when the epoch of its first earning ends, or when the one before it
    /// becomes final if that comes later. There must be one.
    function _closing(address asset) internal view returns (uint256) {
        Auction storage auction = auctions[asset];
        uint256 openedAt = buckets[_bucketId(auction.finished + 1, asset)].openedAt;
        uint256 epochEnd = (openedAt / EPOCH_LENGTH + 1) * EPOCH_LENGTH;
        return epochEnd > auction.finishedAt ? epochEnd : auction.finishedAt;
    }

    function _isUnfinished(address asset) internal view returns (bool) {
        Auction storage auction = auctions[asset];
        return auction.opened > auction.finished;
    }

    /// @dev The round to be sold or burned now, 0 for none.
    function _closedRound(address asset) internal view returns (uint256) {
        if (!_isUnfinished(asset) || block.timestamp < _closing(asset)) return 0;
        return auctions[asset].finished + 1;
    }

    /// @dev The round that something earned now goes to: the first one that has not closed.
    function _openRound(address asset) internal view returns (uint256) {
        return _closedRound(asset) == 0 ? auctions[asset].finished + 1 : auctions[asset].finished + 2;
    }

    function _epoch() internal view returns (uint256) {
        return block.timestamp / EPOCH_LENGTH;
    }

    function _bucketId(uint256 round, address asset) internal pure returns (uint256) {
        return (round << 160) | uint160(asset);
    }

    function _isFrozen() internal view returns (bool) {
        return block.timestamp < frozenUntil;
    }

    /// @dev A root is final one veto window after its submission; a freeze starts the window anew.
    function _finalAt(Batch storage batch) internal view returns (uint256 finalAt) {
        finalAt = batch.submittedAt + VETO_WINDOW;
        if (batch.freezes == freezes.length) return finalAt;
        Freeze storage next = freezes[batch.freezes];
        if (next.startedAt < finalAt) finalAt = next.endsAt + VETO_WINDOW;
    }

    function _statusOf(Batch storage batch) internal view returns (RootStatus) {
        if (batch.isVetoed) return RootStatus.Vetoed;
        uint256 finalAt = _finalAt(batch);
        if (batch.version != version && rotatedAt[batch.version] < finalAt) return RootStatus.Expired;
        return block.timestamp < finalAt ? RootStatus.Pending : RootStatus.Final;
    }

    /// @dev The last of two random roots and their neighbours that stands so, from 1; 0 when none of these does.
    function _findBatch(RootStatus wanted) internal returns (uint256) {
        uint256 count = batches.length;
        for (uint256 start = 0; start < 2 && count != 0; ++start) {
            uint256 from = start == 0 && _draw(4) != 0 ? count : 1 + _draw(count);
            for (uint256 i = from; i > 0 && i + 6 > from; --i) if (_statusOf(batches[i - 1]) == wanted) return i;
        }
        return 0;
    }
}
