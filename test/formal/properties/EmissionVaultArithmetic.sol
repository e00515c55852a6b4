// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { System } from "contracts/interfaces/IGenesis.sol";
import { EmissionVault } from "contracts/EmissionVault.sol";
import { VaultTokens } from "formal/VaultTokens.sol";

/// @title EmissionVaultArithmetic
/// @custom:security-contact security@turingfog.example
contract EmissionVaultArithmetic is EmissionVault {
    constructor(
        System memory system,
        address treasury,
        uint16 share,
        uint256 minted
    ) EmissionVault(system, treasury, share) VaultTokens(minted) {}

    /// @notice No difference in any call of the vault falls below 0, and nothing is divided by 0, from wherever its invariant
    /// holds. Its sums, products and casts are VaultShareProperties' and SupplyScheduleArithmetic's.
    function vaultNeverUnderflows() public view {
        remaining();
    }

    /// @notice False: the vault keeps what operations are owed.
    function canaryVaultUnderflows() public returns (uint256) {
        uint256 before = held;
        payOperations();
        return held - before;
    }

    /// @notice False: the vault keeps what it releases first.
    function canaryReleaseUnderflows() public returns (uint256) {
        require(released() == 0 && burned == 1_000e18);
        uint256 before = held;
        release();
        return held - before;
    }

    function _holds() internal view override returns (bool) {
        unchecked {
            return
                burned <= 900_000_000e18 &&
                released() * 5 <= burned * 4 &&
                released() <= RESERVE &&
                operationsOwed() <= released() &&
                paid <= RESERVE &&
                paid + operationsOwed() == released() &&
                held >= RESERVE - paid &&
                held <= 1_000_000_000e18 &&
                operationsShare() <= MAX_OPERATIONS_SHARE;
        }
    }
}
