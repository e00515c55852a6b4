// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title SignerList
/// @notice A set of signers, kept as the code of an account: one cold account is read instead of a cold slot for each
/// signature. Saves 2,700 gas with 3 signatures, and 2,100 less a few hundred for each further one. Its first byte is a
/// STOP, so it can do nothing.
/// @custom:security-contact security@turingfog.example
contract SignerList {
    constructor(address[] memory signers) {
        // a constructor's return value is its contract's code: here the array as memory has it, length first
        assembly ("memory-safe") {
            return(signers, mul(add(mload(signers), 1), 0x20))
        }
    }
}
