// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ITFT } from "./ITFT.sol";

/// @title IRewardPool
/// @notice Shares the reward of each bucket among the miners whose work earned in it.
///
/// A round is what was earned in one asset until it is turned into TFT; each asset counts its own from 1 without gaps.
/// The open round takes in what is earned. It closes as soon as the epoch of its first weight has ended and the round
/// before it is final. So at most one closed round of an asset is not final. Closing needs no transaction.
///
/// A bucket is (round, asset). A miner's weight in it is the amount of that asset that their work earned in that round.
/// Once all of it is destroyed its reward is final, and each miner's part is ⌊reward · weight / total weight⌋.
interface IRewardPool {
    /* ERRORS */

    /// @notice Indicates an epoch length out of bounds, in seconds.
    error Pool_EpochLengthOutOfBounds(uint256 epochLength, uint256 minimum, uint256 maximum);
    /// @notice Indicates weights from someone who is not the escrow.
    error Pool_NotEscrow(address caller);
    /// @notice Indicates a reward from someone who is not the controller.
    error Pool_NotController(address caller);
    /// @notice Indicates a reward for a bucket that is final.
    error Pool_FinalBucket(uint256 bucketId);

    /* EVENTS */

    /// @notice Emitted when a round of an asset receives its first weight.
    event RoundOpened(uint256 indexed bucketId, uint256 indexed round, address indexed asset);

    /// @notice Emitted when a settlement earns in a bucket. {IComputeEscrow-ReceiptSettled} and
    /// {IComputeEscrow-AcknowledgementSettled} say who earned what of it.
    /// @param weight Base units of the bucket's asset added to its weight.
    event WeightAdded(uint256 indexed bucketId, uint256 weight);

    /// @notice Emitted when a bucket's reward grows, and with the last of it when it becomes final.
    event RewardAdded(uint256 indexed bucketId, uint256 reward, bool isFinal);

    /// @notice Emitted when a miner's parts are claimed, also if there is nothing to pay.
    /// @param ids The buckets asked for; each final one in which the miner had weight is paid and its weight cleared.
    /// @param amount TFT paid for all of them.
    event Claimed(address indexed miner, address indexed to, uint256[] ids, uint256 amount);

    /// @notice Emitted when a miner sets where {claimFor} pays their part.
    event RecipientSet(address indexed miner, address indexed oldRecipient, address indexed newRecipient);

    /* IMMUTABLES */

    /// @notice Length of an epoch in seconds; an epoch is block.timestamp / EPOCH_LENGTH.
    function EPOCH_LENGTH() external view returns (uint40);

    function TFT() external view returns (ITFT);
    function CONTROLLER() external view returns (address);
    function ESCROW() external view returns (address);

    /* PROTOCOL */

    /// @notice Adds what miners have just earned to the open round of `asset`. Only the escrow.
    /// Emits {WeightAdded}, and {RoundOpened} with the first weight of a round.
    /// @param miners May repeat; an entry whose amount is 0 is passed over.
    /// @param amounts Base units of `asset`.
    function addWeights(address asset, address[] calldata miners, uint256[] calldata amounts) external;

    /// @notice Adds TFT that the controller or the vault has paid in to a bucket's reward. The last of it makes the
    /// bucket final, and the round that waits behind it can close. Only the controller.
    /// Emits {RewardAdded}.
    /// @param id The bucket of the asset's closed round.
    function addReward(uint256 id, uint256 reward, bool isFinal) external;

    /* CLAIMING */

    /// @notice Pays the caller's part of each bucket to `to`.
    ///
    /// @dev Emits {Claimed}.
    ///
    /// Notes:
    /// - A bucket that is not final, unknown, already claimed or repeated pays nothing more and reverts nothing.
    ///
    /// @param ids Buckets, in any order and grouping.
    /// @param to Who receives the TFT.
    /// @return amount TFT paid.
    function claim(uint256[] calldata ids, address to) external returns (uint256 amount);

    /// @notice Pays a miner's part of each bucket to the recipient that they have set, or else to the miner. Anyone may
    /// call. See {claim}.
    function claimFor(address miner, uint256[] calldata ids) external returns (uint256 amount);

    /// @notice Sets where {claimFor} pays the caller; zero means to the caller. Emits {RecipientSet}.
    function setRecipient(address to) external;

    /* VIEWS */

    /// @notice Returns the round that an earning in `asset` would go to now.
    function openRound(address asset) external view returns (uint256);

    /// @notice Returns the round of `asset` that is closed and not final: the one to be sold or burned.
    /// @return round Its number, 0 for none.
    /// @return weight All of it, in base units of the asset.
    /// @return closedAt When it closed.
    function closedRound(address asset) external view returns (uint256 round, uint128 weight, uint40 closedAt);

    /// @notice Returns round << 160 | asset.
    function bucketId(uint256 round, address asset) external pure returns (uint256);

    /// @notice Returns a bucket's total weight in base units of its asset, its reward in TFT so far, and whether it is
    /// final.
    function bucket(uint256 id) external view returns (uint128 weight, uint128 reward, bool isFinal);

    /// @notice Returns what a miner earned in a bucket and has not claimed yet, in base units of its asset.
    function weightOf(uint256 id, address miner) external view returns (uint256);

    /// @notice Returns where {claimFor} pays a miner; zero means to the miner.
    function recipientOf(address miner) external view returns (address);

    /// @notice Returns what {claim} would pay the miner now for the same ids.
    function claimable(address miner, uint256[] calldata ids) external view returns (uint256 amount);
}
