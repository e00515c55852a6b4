// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

import { TestToken } from "./TestToken.sol";

/// @title RefusingToken
/// @notice A stablecoin that turns bad once told to: it refuses to pay an account, keeps a part of what
/// is sent, or makes a call in the middle of a transfer.
contract RefusingToken is TestToken {
    mapping(address account => bool) private _isRefused;
    uint256 private _fee;
    address private _target;
    bytes private _call;

    error RefusingToken_Refused(address account);

    constructor() TestToken("Refusing Stablecoin", "RUSD", 6) {}

    function setRefused(address account, bool isRefused) external {
        _isRefused[account] = isRefused;
    }

    /// @param fee What each transfer burns of what it sends.
    function setFee(uint256 fee) external {
        _fee = fee;
    }

    /// @notice Makes a call in the next transfer, which fails when the call does.
    function callOnTransfer(address target, bytes calldata data) external {
        _target = target;
        _call = data;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (_isRefused[to]) revert RefusingToken_Refused(to);
        super._update(from, to, amount);
        if (_fee != 0) super._update(to, address(0), _fee);

        address target = _target;
        if (target != address(0)) {
            delete _target;
            Address.functionCall(target, _call);
        }
    }
}
