// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Permit, IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import { System } from "./interfaces/IGenesis.sol";
import { Allocation, ITFT } from "./interfaces/ITFT.sol";
import { SupplySchedule } from "./libraries/SupplySchedule.sol";

/// @title TFT
/// @notice See {ITFT}.
/// @custom:security-contact security@turingfog.example
contract TFT is ITFT, ERC20Permit {
    /* CONSTANTS */

    /// @inheritdoc ITFT
    uint256 public constant NOMINAL_SUPPLY = SupplySchedule.NOMINAL_SUPPLY;
    /// @inheritdoc ITFT
    uint256 public constant ULTIMATE_SUPPLY = SupplySchedule.ULTIMATE_SUPPLY;

    /* IMMUTABLES */

    /// @inheritdoc ITFT
    address public immutable CONTROLLER;

    /* CONSTRUCTOR */

    constructor(
        System memory system,
        Allocation[] memory allocations
    ) ERC20("Turing Fog Token", "TFT") ERC20Permit("Turing Fog Token") {
        CONTROLLER = system.controller;

        _mint(system.vault, SupplySchedule.RESERVE);
        for (uint256 i = 0; i < allocations.length; ++i) _mint(allocations[i].holder, allocations[i].amount);

        if (totalSupply() != NOMINAL_SUPPLY) revert TFT_AllocationsDoNotSum(totalSupply(), NOMINAL_SUPPLY);
    }

    /* BURNING */

    /// @inheritdoc ITFT
    function burn(uint256 amount) external {
        if (msg.sender != CONTROLLER) revert TFT_NotController(msg.sender);

        _burn(msg.sender, amount);

        if (totalSupply() < ULTIMATE_SUPPLY) revert TFT_BelowUltimateSupply(totalSupply(), ULTIMATE_SUPPLY);
    }

    /* VIEWS */

    /// @inheritdoc ITFT
    function burned() external view returns (uint256) {
        return NOMINAL_SUPPLY - totalSupply();
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }
}
