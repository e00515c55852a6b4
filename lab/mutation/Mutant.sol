// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Mutant
/// @notice Tells the instrumented contracts which mutant is active. Its number is the balance of an address that nobody
/// else uses, because that can be set from outside, holds in constructors too, and survives every snapshot.
/// @custom:security-contact security@turingfog.example
library Mutant {
    address private constant ACTIVE = address(uint160(uint256(keccak256("mutant"))));
    address private constant CONSOLE = 0x000000000000000000636F6e736F6c652e6c6f67;

    /// @dev With this number no mutant is active, and each that is asked for is written to Hardhat's console.
    uint256 private constant RECORDING = type(uint64).max;

    /// @notice Whether a mutant is active. Pure, because pure functions have mutants too.
    function on(uint256 id) internal pure returns (bool) {
        function(uint256) view returns (bool) asked = _on;
        function(uint256) pure returns (bool) ask;
        assembly ("memory-safe") {
            ask := asked
        }
        return ask(id);
    }

    function _on(uint256 id) private view returns (bool) {
        uint256 active = ACTIVE.balance;
        if (active == RECORDING) _record(id);
        return active == id;
    }

    function _record(uint256 id) private view {
        bytes memory message = abi.encodeWithSignature("log(uint256,uint256)", RECORDING, id);
        assembly ("memory-safe") {
            pop(staticcall(gas(), CONSOLE, add(message, 0x20), mload(message), 0, 0))
        }
    }

    /// @notice What OpenZeppelin's guard does before a call.
    function enter(bytes32 slot) internal {
        bool entered;
        assembly ("memory-safe") {
            entered := tload(slot)
        }
        if (entered) revert ReentrancyGuardTransient.ReentrancyGuardReentrantCall();
        assembly ("memory-safe") {
            tstore(slot, 1)
        }
    }

    /// @notice What OpenZeppelin's guard does after a call.
    function leave(bytes32 slot) internal {
        assembly ("memory-safe") {
            tstore(slot, 0)
        }
    }
}
