// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { IBuybackBurnController } from "../interfaces/IBuybackBurnController.sol";
import { IComputeEscrow } from "../interfaces/IComputeEscrow.sol";
import { IEmissionVault } from "../interfaces/IEmissionVault.sol";
import { System } from "../interfaces/IGenesis.sol";
import { SupplySchedule } from "../libraries/SupplySchedule.sol";

/// @title MisbehavingContract
/// @notice Stands in for any contract that Genesis creates: answers what Genesis asks as the real ones do, but for one
/// getter. Its creation code is followed by that getter and the answer; Genesis appends the system and what else the
/// real contract takes.
contract MisbehavingContract {
    mapping(bytes4 getter => uint256 answer) private _answers;

    constructor(bytes4 getter, uint256 answer, System memory system) {
        _answers[IComputeEscrow.GOVERNOR.selector] = uint160(system.governor);
        _answers[IEmissionVault.TFT.selector] = uint160(system.tft);
        _answers[IBuybackBurnController.VAULT.selector] = uint160(system.vault);
        _answers[IComputeEscrow.ORACLE.selector] = uint160(system.oracle);
        _answers[IComputeEscrow.REGISTRY.selector] = uint160(system.registry);
        _answers[IComputeEscrow.POOL.selector] = uint160(system.pool);
        _answers[IComputeEscrow.CONTROLLER.selector] = uint160(system.controller);
        _answers[IBuybackBurnController.ESCROW.selector] = uint160(system.escrow);

        _answers[IEmissionVault.RESERVE.selector] = SupplySchedule.RESERVE;
        _answers[IERC20.balanceOf.selector] = SupplySchedule.RESERVE;

        _answers[getter] = answer;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(_answers[msg.sig]);
    }
}
