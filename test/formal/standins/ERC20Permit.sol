// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title ERC20Permit
/// @notice OpenZeppelin's without signatures: a permit sets an allowance, as {ERC20-approve} does.
/// @custom:security-contact security@turingfog.example
abstract contract ERC20Permit is ERC20, IERC20Permit {
    mapping(address owner => uint256) private _nonces;

    constructor(string memory) {}

    function permit(address owner, address spender, uint256 value, uint256, uint8, bytes32, bytes32) public virtual {
        ++_nonces[owner];
        _approve(owner, spender, value);
    }

    function nonces(address owner) public view virtual returns (uint256) {
        return _nonces[owner];
    }

    function DOMAIN_SEPARATOR() public view virtual returns (bytes32) {
        return bytes32(block.chainid);
    }
}
