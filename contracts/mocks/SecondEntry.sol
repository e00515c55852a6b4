// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

/// @title SecondEntry
/// @notice Another address under which a token can be moved: hands every call on, followed by who made it.
contract SecondEntry {
    address private immutable TOKEN;

    constructor(address token) {
        TOKEN = token;
    }

    fallback(bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(TOKEN, abi.encodePacked(data, msg.sender));
    }
}
