// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { SecondEntry } from "./SecondEntry.sol";
import { TestToken } from "./TestToken.sol";

/// @title DoubleEntryToken
/// @notice A token of 6 decimals with the same balances under two addresses, as TrueUSD had.
contract DoubleEntryToken is TestToken {
    address public immutable SECOND_ENTRY;

    constructor() TestToken("Double Entry Token", "DOUBLE", 6) {
        SECOND_ENTRY = address(new SecondEntry(address(this)));
    }

    /// @dev The second entry has appended its caller.
    function _msgSender() internal view override returns (address) {
        if (msg.sender != SECOND_ENTRY) return msg.sender;
        return address(bytes20(msg.data[msg.data.length - 20:]));
    }
}
