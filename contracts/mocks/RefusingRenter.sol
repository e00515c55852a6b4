// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

/// @title RefusingRenter
/// @notice A contract that makes any call for anyone, and burns all gas when it is called back: it has no ERC-721
/// receiver hook.
contract RefusingRenter {
    function act(address target, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(target, data);
    }

    fallback() external {
        assembly {
            invalid()
        }
    }
}
