// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGenesis, Plan } from "../interfaces/IGenesis.sol";

/// @title MisbehavingCaller
/// @notice Calls Genesis when a {MisbehavingReenterer} asks for it, and reports what it reverted with. Holds the call's
/// arguments, which contain the reenterer's code and so cannot be a part of it.
contract MisbehavingCaller {
    bytes private _arguments;
    bool private _isCalled;

    event Reverted(bytes reason);

    /// @param arguments The ABI encoding of {IGenesis-create}'s arguments.
    function prepare(bytes calldata arguments) external {
        _arguments = arguments;
    }

    /// @dev Only once, for the call creates a reenterer of its own.
    function callAgain(IGenesis genesis) external {
        if (_isCalled) return;
        _isCalled = true;

        (bytes memory code, bytes32[7] memory hashes, Plan memory plan) = abi.decode(
            _arguments,
            (bytes, bytes32[7], Plan)
        );
        try genesis.create(code, hashes, plan) {} catch (bytes memory reason) {
            emit Reverted(reason);
        }
    }
}
