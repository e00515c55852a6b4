// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IGenesis, System } from "../interfaces/IGenesis.sol";
import { MisbehavingCaller } from "./MisbehavingCaller.sol";
import { MisbehavingContract } from "./MisbehavingContract.sol";

/// @title MisbehavingReenterer
/// @notice Has Genesis called again while Genesis creates it.
contract MisbehavingReenterer is MisbehavingContract {
    constructor(MisbehavingCaller caller, System memory system) MisbehavingContract(0, 0, system) {
        caller.callAgain(IGenesis(msg.sender));
    }
}
