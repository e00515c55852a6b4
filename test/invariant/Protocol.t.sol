// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { StdInvariant } from "forge-std/StdInvariant.sol";
import { Vm } from "forge-std/Vm.sol";

import { Handler } from "./Handler.sol";

/// @notice Random histories of the whole protocol, every statement of it checked after every call.
contract ProtocolTest is StdInvariant {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Handler private handler;

    function setUp() external {
        handler = new Handler();
        handler.begin(vm.envOr("INVARIANT_SEED", uint256(0)), vm.envOr("INVARIANT_BURNED", uint256(0)));
        targetContract(address(handler));
        targetSender(address(this));
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = handler.act.selector;
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// @dev They were checked after each action already; a call that found one not to hold has reverted.
    function invariant_statementsHold() external view {}

    /// @dev One line for each run, in the file that the campaign names.
    function afterInvariant() external {
        vm.writeLine(vm.envOr("INVARIANT_REPORT", string("cache/forge/report.jsonl")), handler.report());
    }
}
