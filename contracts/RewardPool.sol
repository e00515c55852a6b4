// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IBuybackBurnController } from "./interfaces/IBuybackBurnController.sol";
import { System } from "./interfaces/IGenesis.sol";
import { IRewardPool } from "./interfaces/IRewardPool.sol";
import { ITFT } from "./interfaces/ITFT.sol";
import { BucketId } from "./libraries/BucketId.sol";
import { Words } from "./libraries/Words.sol";

/// @title RewardPool
/// @notice See {IRewardPool}.
/// @custom:security-contact security@turingfog.example
contract RewardPool is IRewardPool {
    using SafeCast for uint256;
    using Words for uint256[];

    struct Bucket {
        uint128 weight; // slot 0
        uint96 reward; // the whole nominal supply takes 90 bits
        bool isFinal;
    }

    /* CONSTANTS */

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

    mapping(uint256 id => Bucket) private _buckets;

    /// @inheritdoc IRewardPool
    mapping(uint256 id => mapping(address miner => uint256)) public weightOf;

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

        uint256 epoch = block.timestamp / EPOCH_LENGTH;
        uint256 id = BucketId.encode(epoch, asset);

        uint256 total = 0;
        mapping(address miner => uint256) storage weights = weightOf[id];
        // unchecked: the escrow's amounts are parts of its uint128 deposits, and a miner has at most the weight of the
        // bucket; the two arrays are of one length
        unchecked {
            for (uint256 i = 0; i < miners.length; ++i) {
                uint256 amount = amounts.read(i);
                if (amount == 0) continue;
                weights[miners[i]] += amount;
                total += amount;
            }
        }

        Bucket storage stored = _buckets[id];
        uint256 before = stored.weight;
        stored.weight = (before + total).toUint128();
        emit WeightAdded(id, total);

        if (before == 0) IBuybackBurnController(CONTROLLER).enqueue(epoch, asset);
    }

    /// @inheritdoc IRewardPool
    function addReward(uint256 id, uint256 reward, bool isFinal) external {
        if (msg.sender != CONTROLLER) revert Pool_NotController(msg.sender);

        Bucket storage stored = _buckets[id];
        stored.reward = (stored.reward + reward).toUint96();
        stored.isFinal = isFinal;
        emit RewardAdded(id, reward, isFinal);
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

            mapping(address miner => uint256) storage weights = weightOf[id];
            uint256 weight = weights[miner];
            if (weight == 0) continue;

            amount += _part(stored, weight);
            weights[miner] = 0;
        }
        emit Claimed(miner, to, ids, amount);

        TFT.transfer(to, amount);
    }

    /// @inheritdoc IRewardPool
    function setRecipient(address to) external {
        emit RecipientSet(msg.sender, recipientOf[msg.sender], to);
        recipientOf[msg.sender] = to;
    }

    /* VIEWS */

    /// @inheritdoc IRewardPool
    function bucketId(uint256 epoch, address asset) external pure returns (uint256) {
        return BucketId.encode(epoch, asset);
    }

    /// @inheritdoc IRewardPool
    function bucket(uint256 id) external view returns (uint128 weight, uint128 reward, bool isFinal) {
        Bucket memory stored = _buckets[id];
        return (stored.weight, stored.reward, stored.isFinal);
    }

    /// @inheritdoc IRewardPool
    function claimable(address miner, uint256[] calldata ids) external view returns (uint256 amount) {
        for (uint256 i = 0; i < ids.length; ++i) {
            Bucket storage stored = _buckets[ids[i]];
            if (stored.isFinal && !_repeats(ids, i)) amount += _part(stored, weightOf[ids[i]][miner]);
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
