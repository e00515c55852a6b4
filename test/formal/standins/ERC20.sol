// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title ERC20
/// @notice Balances, allowances and supply as OpenZeppelin keeps them. That no balance exceeds the supply, on which its
/// unchecked arithmetic relies, is required here wherever a balance goes down.
/// @custom:security-contact security@turingfog.example
abstract contract ERC20 is IERC20 {
    mapping(address account => uint256) private _balances;
    mapping(address account => mapping(address spender => uint256)) private _allowances;
    uint256 private _totalSupply;

    constructor(string memory, string memory) {}

    function totalSupply() public view returns (uint256) {
        return _totalSupply;
    }

    function balanceOf(address account) public view returns (uint256) {
        return _balances[account];
    }

    function allowance(address owner, address spender) public view returns (uint256) {
        return _allowances[owner][spender];
    }

    function transfer(address to, uint256 value) public returns (bool) {
        _lower(msg.sender, value);
        _balances[to] += value;
        return true;
    }

    function approve(address spender, uint256 value) public returns (bool) {
        _approve(msg.sender, spender, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) public returns (bool) {
        if (_allowances[from][msg.sender] != type(uint256).max) _allowances[from][msg.sender] -= value;
        _lower(from, value);
        _balances[to] += value;
        return true;
    }

    function _approve(address owner, address spender, uint256 value) internal {
        _allowances[owner][spender] = value;
    }

    function _mint(address to, uint256 value) internal {
        _totalSupply += value;
        _balances[to] += value;
    }

    function _burn(address from, uint256 value) internal {
        _lower(from, value);
        _totalSupply -= value;
    }

    function _lower(address from, uint256 value) private {
        uint256 balance = _balances[from];
        require(value <= balance && balance <= _totalSupply);
        _balances[from] = balance - value;
    }
}
