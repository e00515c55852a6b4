// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { World } from "../World.sol";

/// @notice Miners who claim, whoever claims for them, and where the claimed TFT go.
abstract contract Rewarding is World {
    uint256 private constant MOST_IDS = 5;

    /// @dev With how many buckets the last miner begins to claim; 0 until it is drawn.
    uint256 private patience;

    /// @dev What claiming pays, reverted with so that nothing of it stays.
    error Claimed(uint256 paid, uint256 claimable);

    function claim() internal action("claim") {
        address miner = _drawMiner();
        uint256[] memory ids = _drawIds(miner);
        if (ids.length == 0) return _idle();
        bool isForHim = _draw(2) == 0;
        address to =
            !isForHim
                ? COLD_WALLET
                : recipients[miner] == address(0)
                    ? miner
                    : recipients[miner];
        uint256 claimable = pool.claimable(miner, ids);
        uint256 before = tft.balanceOf(to);
        vm.prank(isForHim ? STRANGER : miner);
        uint256 gasBefore = gasleft();
        uint256 paid = isForHim ? pool.claimFor(miner, ids) : pool.claim(ids, to);
        _bounded(gasBefore, 80_000 + 30_000 * ids.length);
        require(claimable == paid, "6: what is claimable is paid");
        require(tft.balanceOf(to) == before + paid, "6: what is paid arrives where the miner wants it");
        _record(miner, ids, paid);
        if (isForHim && paid != 0)
            _saw(to == miner ? bytes32("claimed for a miner") : bytes32("claimed to a recipient"));
    }

    function setRecipient() internal action("set a recipient") {
        address miner = _miner(_draw(MINERS));
        address recipient = _draw(3) == 0 ? address(0) : COLD_WALLET;
        vm.prank(miner);
        pool.setRecipient(recipient);
        recipients[miner] = recipient;
    }

    /// @dev Of two miners the one with more to claim; but in some histories the last one lets many rounds come together.
    function _drawMiner() private returns (address miner) {
        miner = _miner(_draw(MINERS));
        address other = _miner(_draw(MINERS));
        if (bucketsOf[other].length > bucketsOf[miner].length) miner = other;
        if (patience == 0) patience = _draw(3) == 0 ? 24 : 1;
        if (miner == _miner(MINERS - 1) && bucketsOf[miner].length < patience) miner = _miner(_draw(MINERS - 1));
    }

    /// @dev Some of a miner's buckets in a row, final or not, and now and then one twice or an unknown one.
    function _drawIds(address miner) private returns (uint256[] memory ids) {
        uint256[] storage all = bucketsOf[miner];
        if (all.length == 0) return ids;
        uint256 count = 1 + _draw(MOST_IDS);
        if (count > all.length) count = all.length;
        uint256 from = _draw(all.length - count + 1);
        uint256 extra = _draw(3);
        ids = new uint256[](count + (extra == 0 ? 1 : 0));
        for (uint256 i = 0; i < count; ++i) ids[i] = all[from + i];
        if (extra == 0) ids[count] = _draw(2) == 0 ? ids[0] : calls;
    }

    /// @dev What each bucket owes, rounded down; the rest of one that all have claimed is below one unit a miner.
    function _record(address miner, uint256[] memory ids, uint256 paid) private {
        uint256 owed = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            Bucket storage bucket = buckets[ids[i]];
            uint256 weight = weights[ids[i]][miner];
            if (!bucket.isFinal) _saw("claimed a bucket not final");
            else if (weight == 0) _saw("claimed a bucket again");
            if (!bucket.isFinal || weight == 0) continue;

            uint256 part = (bucket.reward * weight) / bucket.weight;
            owed += part;
            bucket.claimed += part;
            delete weights[ids[i]][miner];
            require(pool.weightOf(ids[i], miner) == 0, "6: a claimed weight is gone");
            if (--bucket.unclaimed == 0) {
                require(bucket.reward - bucket.claimed < bucket.miners, "6: what is left is below one unit a miner");
                _saw("claimed a bucket to its end");
            }
        }
        require(paid == owed, "6: each bucket pays its part of the reward, once");
        claimed += paid;
        _forgetFinal(miner);
    }

    function _forgetFinal(address miner) private {
        uint256[] storage all = bucketsOf[miner];
        for (uint256 i = all.length; i > 0; --i) {
            if (weights[all[i - 1]][miner] != 0) continue;
            all[i - 1] = all[all.length - 1];
            all.pop();
        }
    }

    /* STATEMENT 7 */

    function claimInAnyGrouping() internal action("compare groupings of claims") {
        address miner = _drawMiner();
        uint256[] memory ids = _drawIds(miner);
        if (ids.length == 0) return _idle();
        uint256 atOnce = _claimedBy(miner, ids, ids.length);
        require(atOnce == _claimedBy(miner, ids, 1), "7: claims pay the same one by one");
        require(atOnce == _claimedBy(miner, ids, 2), "7: claims pay the same in pairs");
        if (ids.length > 2 && atOnce != 0) _saw("compared several claims");
    }

    function _claimedBy(address miner, uint256[] memory ids, uint256 groupSize) private returns (uint256 paid) {
        uint256 left = 0;
        try this.claimAndRevert(miner, ids, groupSize) {} catch (bytes memory answer) {
            require(bytes4(answer) == Claimed.selector, "claims never fail");
            assembly ("memory-safe") {
                paid := mload(add(answer, 0x24))
                left := mload(add(answer, 0x44))
            }
        }
        require(left == 0, "6: nothing is left to claim");
    }

    /// @dev For {claimInAnyGrouping} alone.
    function claimAndRevert(address miner, uint256[] calldata ids, uint256 groupSize) external {
        uint256 before = tft.balanceOf(COLD_WALLET);
        for (uint256 from = 0; from < ids.length; from += groupSize) {
            uint256 to = from + groupSize < ids.length ? from + groupSize : ids.length;
            vm.prank(miner);
            pool.claim(ids[from:to], COLD_WALLET);
        }
        revert Claimed(tft.balanceOf(COLD_WALLET) - before, pool.claimable(miner, ids));
    }

    /* OPERATIONS */

    function payOperations() internal action("pay operations") {
        uint256 before = tft.balanceOf(treasury);
        vm.prank(STRANGER);
        uint256 paid = vault.payOperations();
        require(paid == operationsOwed, "2: operations are paid what they are owed");
        require(tft.balanceOf(treasury) == before + paid, "2: operations' part arrives at the treasury");
        if (paid != 0) _saw("paid operations");
        operationsOwed = 0;
    }

    /* SELLING */

    /// @dev Miners, their cold wallet and the treasuries sell to whoever pays with TFT next.
    function sell() internal action("sell TFT") {
        for (uint256 i = 0; i < MINERS; ++i) _sell(_miner(i));
        _sell(COLD_WALLET);
        _sell(TREASURY);
        _sell(OTHER_TREASURY);
    }

    function _sell(address holder) private {
        uint256 balance = tft.balanceOf(holder);
        if (balance == 0) return;
        vm.prank(holder);
        tft.transfer(BANK, balance);
    }
}
