// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Acknowledgement, OpenParams } from "../../../contracts/interfaces/IComputeEscrow.sol";
import { Acknowledging } from "./Acknowledging.sol";
import { Renting } from "./Renting.sol";

/// @notice A renter who spends TFT faster than any other, for histories that begin near a phase's end.
abstract contract Spending is Renting, Acknowledging {
    uint256 private constant SPENT_TU = 100e18;

    /// @dev Pays the first node `amount` TFT at most, for work that is acknowledged at once.
    function _spend(uint256 amount) internal {
        Machine storage machine = machines[0];
        _ripen(machine);
        address renter = _renter(0);
        uint256 unitPrice = (amount * TU) / SPENT_TU;
        vm.prank(machine.owner);
        registry.setListing(machine.id, address(tft), uint128(unitPrice), uint128(SPENT_TU));
        offers[machine.id][address(tft)] = Offer(unitPrice, SPENT_TU);

        OpenParams memory params = _order(address(tft), renter);
        params.nodeId = machine.id;
        params.maxUnitPrice = uint128(unitPrice);
        params.tuAmount = uint96(SPENT_TU);
        _open(renter, params);

        Acknowledgement[] memory all = new Acknowledgement[](1);
        all[0] = Acknowledgement(jobs[jobs.length - 1].id, uint96(SPENT_TU), "");
        vm.prank(renter);
        escrow.settleAcknowledged(address(tft), all);
        _addToBucket(address(tft), _earnAcknowledged(all[0], address(tft), renter));
    }
}
