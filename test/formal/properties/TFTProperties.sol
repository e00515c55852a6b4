// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { System } from "contracts/interfaces/IGenesis.sol";
import { Allocation } from "contracts/interfaces/ITFT.sol";
import { TFT } from "contracts/TFT.sol";

/// @title TFTProperties
/// @notice An invariant of the shipped token by induction: 100 M ≤ total supply ≤ 1 B.
/// @custom:security-contact security@turingfog.example
contract TFTProperties is TFT {
    /// @notice At genesis the total supply is 1 B exactly and nothing is burned.
    constructor(System memory system, Allocation[] memory allocations) TFT(system, allocations) {
        assert(totalSupply() == 1_000_000_000e18 && burned() == 0);
    }

    /// @notice Burning keeps the total supply at 100 M at least.
    function burnKeepsTheUltimateSupply(uint256 amount) public {
        require(_holds());
        burn(amount);
        assert(_holds());
    }

    /// @notice Burning lowers the total supply and the controller's balance by the amount, and raises burned by it.
    function burnIsExact(uint256 amount) public {
        require(_holds());
        uint256 supply = totalSupply();
        uint256 balance = balanceOf(msg.sender);
        uint256 before = burned();
        burn(amount);
        bool ofSupply = totalSupply() + amount == supply && burned() == before + amount;
        assert(ofSupply && balanceOf(msg.sender) + amount == balance);
    }

    /// @notice Burning touches nobody else's balance.
    function burnTouchesNobodyElse(uint256 amount, address other) public {
        require(_holds() && other != CONTROLLER);
        uint256 balance = balanceOf(other);
        burn(amount);
        assert(balanceOf(other) == balance);
    }

    /// @notice Only the controller burns.
    function burnIsTheControllers(uint256 amount) public {
        burn(amount);
        assert(msg.sender == CONTROLLER);
    }

    /// @notice No transfer changes the total supply.
    function transferKeepsTheSupply(address to, uint256 amount) public {
        uint256 supply = totalSupply();
        transfer(to, amount);
        assert(totalSupply() == supply);
    }

    /// @notice No transfer by allowance changes the total supply.
    function transferFromKeepsTheSupply(address from, address to, uint256 amount) public {
        uint256 supply = totalSupply();
        transferFrom(from, to, amount);
        assert(totalSupply() == supply);
    }

    /// @notice False: burning burns nothing.
    function canaryBurnBurnsNothing(uint256 amount) public {
        require(_holds());
        uint256 supply = totalSupply();
        burn(amount);
        assert(totalSupply() == supply);
    }

    /// @notice False: burning never reaches the ultimate supply.
    function canaryBurnStaysAboveTheUltimateSupply(uint256 amount) public {
        require(_holds());
        burn(amount);
        assert(totalSupply() > 100_000_000e18);
    }

    /// @notice False: a transfer leaves the receiver's balance.
    function canaryTransferMovesNothing(address to, uint256 amount) public {
        uint256 balance = balanceOf(to);
        transfer(to, amount);
        assert(balanceOf(to) == balance);
    }

    /// @notice False: a transfer by allowance takes from the caller alone.
    function canaryTransferFromIsTheOwners(address from, address to, uint256 amount) public {
        transferFrom(from, to, amount);
        assert(msg.sender == from);
    }

    function _holds() internal view returns (bool) {
        return totalSupply() >= 100_000_000e18 && totalSupply() <= 1_000_000_000e18;
    }
}
