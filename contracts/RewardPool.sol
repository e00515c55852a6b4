// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { System } from "./interfaces/IGenesis.sol";
import { IRewardPool } from "./interfaces/IRewardPool.sol";
import { ITFT } from "./interfaces/ITFT.sol";
import { BucketId } from "./libraries/BucketId.sol";
import { Words } from "./libraries/Words.sol";
import { RoundWeight, toRoundWeight } from "./types/RoundWeight.sol";

/// @title RewardPool
/// @notice See {IRewardPool}.
/// @custom:security-contact security@turingfog.example
contract RewardPool is IRewardPool {
    using SafeCast for uint256;
    using Words for address[];
    using Words for uint256[];

    struct Bucket {
        uint128 weight; // slot 0
        uint96 reward; // the whole nominal supply takes 90 bits
        bool isFinal;
    }

    /// @dev An asset's rounds. A round closes once the epoch of its first weight has ended and the one before it is
    /// final; so at most two are not final, the closed one and the open one. 32 bits count rounds of a minute for 8,000
    /// years.
    struct Rounds {
        uint32 latest; // slot 0: the last round that has weight, 0 for none
        uint8 unfinished; // how many rounds up to `latest` are not final: 0, 1 or 2
        uint40 closesAt; // of `latest`; with two unfinished, it waits for the one before as well
        uint40 closedAt; // of the round before `latest`, while that is not final
    }

    struct Place {
        RoundWeight weight;
    }

    /* CONSTANTS */

    /// @dev A miner who claims once a week finds a place free for each round: seven to claim, one that is being sold,
    /// one that is open, and one to spare.
    uint256 private constant PLACES = 10;

    uint40 private constant MIN_EPOCH_LENGTH = 1 minutes;
    uint40 private constant MAX_EPOCH_LENGTH = 30 days;

    /* IMMUTABLES */

    /// @inheritdoc IRewardPool
    uint40 public immutable EPOCH_LENGTH;
    /// @inheritdoc IRewardPool
    ITFT public immutable TFT;
    /// @inheritdoc IRewardPool
    address public immutable CONTROLLER;
    /// @inheritdoc IRewardPool
    address public immutable ESCROW;

    /* STORAGE */

    mapping(address asset => Rounds) private _rounds;

    mapping(uint256 id => Bucket) private _buckets;

    /// @dev By the round's remainder and the asset, encoded as a bucket is.
    mapping(uint256 place => mapping(address miner => Place)) private _places;

    /// @dev Weights of rounds that found their place taken.
    mapping(uint256 id => mapping(address miner => uint256)) private _displaced;

    /// @inheritdoc IRewardPool
    mapping(address miner => address) public recipientOf;

    /* CONSTRUCTOR */

    constructor(System memory system, uint40 epochLength) {
        if (epochLength < MIN_EPOCH_LENGTH || epochLength > MAX_EPOCH_LENGTH) {
            revert Pool_EpochLengthOutOfBounds(epochLength, MIN_EPOCH_LENGTH, MAX_EPOCH_LENGTH);
        }

        EPOCH_LENGTH = epochLength;
        TFT = ITFT(system.tft);
        CONTROLLER = system.controller;
        ESCROW = system.escrow;
    }

    /* PROTOCOL */

    /// @inheritdoc IRewardPool
    function addWeights(address asset, address[] calldata miners, uint256[] calldata amounts) external {
        if (msg.sender != ESCROW) revert Pool_NotEscrow(msg.sender);

        uint256 round = _enterOpenRound(asset);
        uint256 id = BucketId.encode(round, asset);

        uint256 total = 0;
        mapping(address miner => Place) storage places = _places[_placeOf(id)];
        // unchecked: the escrow's amounts are parts of its uint128 deposits, and a miner has at most the weight of the
        // bucket, which is checked; the two arrays are of one length
        unchecked {
            for (uint256 i = 0; i < miners.length; ++i) {
                uint256 amount = amounts.read(i);
                if (amount == 0) continue;
                address miner = miners.read(i);
                Place storage place = places[miner];
                RoundWeight weight = place.weight;
                if (weight.isOf(round)) {
                    place.weight = weight.add(amount);
                } else if (weight.isFreeFor(round)) {
                    place.weight = toRoundWeight(round, amount);
                } else {
                    place.weight = weight.displacing(round);
                    _displaced[id][miner] += amount;
                }
                total += amount;
            }
        }

        Bucket storage stored = _buckets[id];
        stored.weight = (stored.weight + total).toUint128();
        emit WeightAdded(id, total);
    }

    /// @dev Returns the open round. Its first weight opens it for good: from now on its number is taken.
    function _enterOpenRound(address asset) private returns (uint256 round) {
        Rounds memory rounds = _rounds[asset];
        round = _openRound(rounds);
        if (round == rounds.latest) return round;

        _rounds[asset] = Rounds({
            latest: round.toUint32(),
            unfinished: rounds.unfinished + 1,
            closesAt: uint40((block.timestamp / EPOCH_LENGTH + 1) * EPOCH_LENGTH),
            closedAt: rounds.closesAt
        });
        emit RoundOpened(BucketId.encode(round, asset), round, asset);
    }

    /// @inheritdoc IRewardPool
    function addReward(uint256 id, uint256 reward, bool isFinal) external {
        if (msg.sender != CONTROLLER) revert Pool_NotController(msg.sender);

        Bucket storage stored = _buckets[id];
        if (stored.isFinal) revert Pool_FinalBucket(id);

        stored.reward = (stored.reward + reward).toUint96();
        if (isFinal) {
            stored.isFinal = true;
            _finishClosedRound(_rounds[BucketId.assetOf(id)]);
        }
        emit RewardAdded(id, reward, isFinal);
    }

    /// @dev The round that waited for it closes now, or at the end of its epoch if that comes later.
    function _finishClosedRound(Rounds storage rounds) private {
        uint8 unfinished = rounds.unfinished - 1;
        rounds.unfinished = unfinished;
        if (unfinished != 0 && rounds.closesAt < block.timestamp) rounds.closesAt = uint40(block.timestamp);
    }

    /* CLAIMING */

    /// @inheritdoc IRewardPool
    function claim(uint256[] calldata ids, address to) external returns (uint256) {
        return _claim(msg.sender, ids, to);
    }

    /// @inheritdoc IRewardPool
    function claimFor(address miner, uint256[] calldata ids) external returns (uint256) {
        address recipient = recipientOf[miner];
        return _claim(miner, ids, recipient == address(0) ? miner : recipient);
    }

    function _claim(address miner, uint256[] calldata ids, address to) private returns (uint256 amount) {
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256 id = ids[i];
            Bucket storage stored = _buckets[id];
            if (!stored.isFinal) continue;

            uint256 weight = _clearWeight(id, miner);
            if (weight != 0) amount += _part(stored, weight);
        }
        emit Claimed(miner, to, ids, amount);

        TFT.transfer(to, amount);
    }

    function _clearWeight(uint256 id, address miner) private returns (uint256 amount) {
        Place storage place = _places[_placeOf(id)][miner];
        RoundWeight weight = place.weight;
        if (weight.isOf(BucketId.roundOf(id))) {
            amount = weight.amount();
            if (amount != 0) place.weight = weight.claimed();
        } else {
            amount = _displaced[id][miner];
            if (amount != 0) _displaced[id][miner] = 0;
        }
    }

    /// @inheritdoc IRewardPool
    function setRecipient(address to) external {
        emit RecipientSet(msg.sender, recipientOf[msg.sender], to);
        recipientOf[msg.sender] = to;
    }

    /* VIEWS */

    /// @inheritdoc IRewardPool
    function openRound(address asset) external view returns (uint256) {
        return _openRound(_rounds[asset]);
    }

    /// @inheritdoc IRewardPool
    function closedRound(address asset) external view returns (uint256 round, uint128 weight, uint40 closedAt) {
        Rounds memory rounds = _rounds[asset];
        if (rounds.unfinished == 2) (round, closedAt) = (rounds.latest - 1, rounds.closedAt);
        else if (_isLatestClosed(rounds)) (round, closedAt) = (rounds.latest, rounds.closesAt);
        weight = _buckets[BucketId.encode(round, asset)].weight;
    }

    function _openRound(Rounds memory rounds) private view returns (uint256) {
        bool isTaken = rounds.unfinished == 0 || _isLatestClosed(rounds);
        return isTaken ? uint256(rounds.latest) + 1 : rounds.latest;
    }

    function _isLatestClosed(Rounds memory rounds) private view returns (bool) {
        return rounds.unfinished == 1 && block.timestamp >= rounds.closesAt;
    }

    /// @inheritdoc IRewardPool
    function bucketId(uint256 round, address asset) external pure returns (uint256) {
        return BucketId.encode(round, asset);
    }

    /// @inheritdoc IRewardPool
    function bucket(uint256 id) external view returns (uint128 weight, uint128 reward, bool isFinal) {
        Bucket memory stored = _buckets[id];
        return (stored.weight, stored.reward, stored.isFinal);
    }

    /// @inheritdoc IRewardPool
    function weightOf(uint256 id, address miner) public view returns (uint256) {
        RoundWeight weight = _places[_placeOf(id)][miner].weight;
        return weight.isOf(BucketId.roundOf(id)) ? weight.amount() : _displaced[id][miner];
    }

    function _placeOf(uint256 id) private pure returns (uint256) {
        return BucketId.encode(BucketId.roundOf(id) % PLACES, BucketId.assetOf(id));
    }

    /// @inheritdoc IRewardPool
    function claimable(address miner, uint256[] calldata ids) external view returns (uint256 amount) {
        for (uint256 i = 0; i < ids.length; ++i) {
            Bucket storage stored = _buckets[ids[i]];
            if (stored.isFinal && !_repeats(ids, i)) amount += _part(stored, weightOf(ids[i], miner));
        }
    }

    function _repeats(uint256[] calldata ids, uint256 i) private pure returns (bool) {
        for (uint256 j = 0; j < i; ++j) if (ids[j] == ids[i]) return true;
        return false;
    }

    function _part(Bucket storage stored, uint256 weight) private view returns (uint256) {
        return (uint256(stored.reward) * weight) / stored.weight;
    }
}
