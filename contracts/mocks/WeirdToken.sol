// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { TestToken } from "./TestToken.sol";

/// @title WeirdToken
/// @notice A token of 18 decimals that behaves until it is told to answer nothing, to refuse or to burn all gas when it
/// moves, or to change everyone's balance.
contract WeirdToken is TestToken {
    enum Mode {
        Plain,
        Silent,
        Reverting,
        GasBurning
    }

    error WeirdToken_Refused();

    Mode private _mode;
    uint256 private _balancePerShare = 1e18;

    constructor() TestToken("Weird Token", "WEIRD", 18) {}

    function setMode(Mode mode) external {
        _mode = mode;
    }

    /// @param balancePerShare What each unit that was minted is from now on, 18 decimals.
    function rebase(uint256 balancePerShare) external {
        _balancePerShare = balancePerShare;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return (super.balanceOf(account) * _balancePerShare) / 1e18;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return _answer(super.transfer(to, value));
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return _answer(super.transferFrom(from, to, value));
    }

    function _answer(bool success) private view returns (bool) {
        if (_mode == Mode.Silent) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        return success;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_mode == Mode.Reverting) revert WeirdToken_Refused();
        if (_mode == Mode.GasBurning) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        super._update(from, to, (value * 1e18) / _balancePerShare);
    }
}
