// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { VestingWallet } from "@openzeppelin/contracts/finance/VestingWallet.sol";
import { VestingWalletCliff } from "@openzeppelin/contracts/finance/VestingWalletCliff.sol";

/// @title VestedAllocation
/// @notice OpenZeppelin's vesting wallet with a cliff, made deployable. Its owner is the beneficiary.
/// @custom:security-contact security@turingfog.example
contract VestedAllocation is VestingWalletCliff {
    /// @param beneficiary Who is paid, by anyone calling {VestingWallet-release}.
    /// @param start Unix time from which the allocation vests linearly.
    /// @param duration Seconds until all of it has vested.
    /// @param cliff Seconds after `start` before which nothing is paid; at most `duration`.
    constructor(
        address beneficiary,
        uint64 start,
        uint64 duration,
        uint64 cliff
    ) VestingWallet(beneficiary, start, duration) VestingWalletCliff(cliff) {}
}
