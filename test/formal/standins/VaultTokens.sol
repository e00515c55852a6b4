// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SupplySchedule } from "contracts/libraries/SupplySchedule.sol";

/// @title VaultTokens
/// @notice The token as the vault sees it, what it was paid and what it paid; and what the vault's arithmetic is replaced
/// by where the checker would not get through it.
/// @custom:security-contact security@turingfog.example
abstract contract VaultTokens {
    uint256 internal burned;
    uint256 internal held;
    uint256 internal paid;

    /// @dev Whether a transfer was for more than there was.
    bool internal uncovered;

    modifier assuming() {
        require(_holds());
        _;
    }

    constructor(uint256 minted) {
        // Genesis refuses less, in the transaction that mints it
        require(minted >= SupplySchedule.RESERVE && minted <= SupplySchedule.NOMINAL_SUPPLY);
        held = minted;
    }

    function _burnMore(uint256 amount) internal {
        require(amount <= SupplySchedule.BURNING_END && burned + amount <= SupplySchedule.BURNING_END);
        burned += amount;
    }

    function _donate(uint256 amount) internal {
        require(amount <= SupplySchedule.NOMINAL_SUPPLY && held + amount <= SupplySchedule.NOMINAL_SUPPLY);
        held += amount;
    }

    /// @dev The vault's invariant.
    function _holds() internal view virtual returns (bool);

    function TFT_burned() internal view returns (uint256) {
        return burned;
    }

    function TFT_transfer(address, uint256 amount) internal {
        if (amount > held) {
            uncovered = true;
            return;
        }
        unchecked {
            held -= amount;
            paid += amount;
        }
    }

    /// @dev Any part up to the fifth that {VaultShareProperties} proves.
    function shareOf(uint256 amount, uint16 share) internal view returns (uint256 part) {
        require(share <= 2_000 && amount <= SupplySchedule.RESERVE);
        part = block.basefee;
        require(part <= amount / 5);
    }

    /// @dev Casts of what fits, as {VaultShareProperties} proves.
    function toUint128(uint256 value) internal pure returns (uint128 narrow) {
        require(value < 2 ** 128);
        narrow = uint128(value);
        require(narrow == value);
    }

    function toUint112(uint256 value) internal pure returns (uint112 narrow) {
        require(value < 2 ** 112);
        narrow = uint112(value);
        require(narrow == value);
    }
}
