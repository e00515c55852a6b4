// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title RefusingSigner
/// @notice A signer whose ERC-1271 contract reverts, or burns all the gas that it is given.
contract RefusingSigner is IERC1271 {
    error RefusingSigner_Refused();

    bool private immutable BURNS_GAS;

    constructor(bool burnsGas) {
        BURNS_GAS = burnsGas;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (BURNS_GAS) {
            assembly {
                invalid()
            }
        }
        revert RefusingSigner_Refused();
    }
}
