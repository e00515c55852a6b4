// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

import { TestToken } from "./TestToken.sol";

/// @title HostileToken
/// @notice A token that was listed in good faith and then turns on its holders: it can refuse a receiver, answer a
/// transfer with false or with nothing, and call someone while it transfers.
/// @custom:security-contact security@turingfog.example
contract HostileToken is TestToken {
    enum Answer {
        True,
        False,
        Nothing
    }

    error HostileToken_Blocked(address account);

    mapping(address account => bool) private _isBlocked;
    Answer private _answer;
    address private _target;
    bytes private _data;

    constructor() TestToken("Hostile Token", "HOSTILE", 18) {}

    function blockReceiver(address account) external {
        _isBlocked[account] = true;
    }

    function setAnswer(Answer answer) external {
        _answer = answer;
    }

    /// @notice Makes a call in the midst of the next transfer.
    function setHook(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        super.transfer(to, value);
        if (_answer == Answer.Nothing) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        return _answer == Answer.True;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_isBlocked[to]) revert HostileToken_Blocked(to);
        super._update(from, to, value);

        address target = _target;
        if (target == address(0)) return;
        _target = address(0);
        Address.functionCall(target, _data);
    }
}
