// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { OrderState } from "../types/OrderState.sol";

/// @notice Terms of an order.
struct Terms {
    uint128 unitPrice; // slot 0
    uint48 nodeId;
    uint40 startedAt;
    uint40 endsAt;
}

/// @notice Where an order is stored. A closed order leaves its place to the next one, which overwrites it.
struct Place {
    Terms terms; // slot 0
    OrderState state; // slot 1
    address holder; // slot 2: the last order's while the place is free
    bool isRefundPromised;
}

/// @title OrderPlaces
/// @notice Keeps the books of one order: what was paid for it, what its nodes have delivered and earned.
/// @custom:security-contact security@turingfog.example
library OrderPlaces {
    using Math for uint256;

    uint256 private constant TU = 1e18;

    /// @notice Raises what an order's own node has delivered.
    /// @dev Unchecked, as in {raiseJointly}: TU are below 2^96 and prices below 2^128, a node has settled no more than
    /// its order, and the order no more than `tuAmount`.
    /// @param state,unitPrice The place's.
    /// @param tu All TU that the node is to have settled.
    /// @return settled What it has settled now, up to what was ordered; 0 if that is no more than before.
    /// @return earned Base units of the asset.
    function raise(
        Place storage place,
        OrderState state,
        uint256 unitPrice,
        uint256 tu
    ) internal returns (uint256 settled, uint256 earned) {
        unchecked {
            uint256 before = state.tuSettled();
            uint256 tuAmount = state.tuAmount();
            settled = tu < tuAmount ? tu : tuAmount;
            if (settled <= before) return (0, 0);

            earned = (settled * unitPrice) / TU - (before * unitPrice) / TU;
            place.state = state.add(settled - before, 0);
        }
    }

    /// @notice Raises what a node has delivered on a joint order, up to what other nodes have left of it. See {raise}.
    /// @param jointlySettled TU settled on the order, by node.
    function raiseJointly(
        Place storage place,
        OrderState state,
        uint256 unitPrice,
        mapping(uint256 nodeId => uint256) storage jointlySettled,
        uint256 nodeId,
        uint256 tu
    ) internal returns (uint256 settled, uint256 earned) {
        unchecked {
            uint256 orderBefore = state.tuSettled();
            uint256 before = jointlySettled[nodeId];
            uint256 left = state.tuAmount() - (orderBefore - before);
            settled = tu < left ? tu : left;
            if (settled <= before) return (0, 0);

            earned = (settled * unitPrice) / TU - (before * unitPrice) / TU;
            uint256 orderSettled = orderBefore + (settled - before);
            uint256 orderEarned = (orderSettled * unitPrice) / TU - (orderBefore * unitPrice) / TU;
            place.state = state.add(settled - before, orderEarned - earned);
            jointlySettled[nodeId] = settled;
        }
    }

    /// @notice Returns ⌈tuAmount · unitPrice / 1e18⌉, what is paid for an order.
    function depositFor(uint256 tuAmount, uint256 unitPrice) internal pure returns (uint256) {
        return (tuAmount * unitPrice).ceilDiv(TU);
    }

    /// @notice Returns what was paid for an order, and what has been earned of it, in base units of its asset.
    function accounts(Place memory place) internal pure returns (uint256 deposit, uint256 earned) {
        uint256 unitPrice = place.terms.unitPrice;
        deposit = depositFor(place.state.tuAmount(), unitPrice);
        earned = (place.state.tuSettled() * unitPrice) / TU - place.state.roundingLoss();
    }
}
