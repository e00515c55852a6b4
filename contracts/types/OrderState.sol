// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { OrderId } from "../libraries/OrderId.sol";

/// @notice What became of an order, and whose the place is, in one word: tag << 224 | roundingLoss << 192 |
/// tuSettled << 96 | tuAmount. See {OrderId-tagOf}. `tuAmount` is 0 once the order is closed. `roundingLoss` is what is
/// lost by rounding per node instead of per order: less than a base unit for each node, of which there are below 2^32.
type OrderState is uint256;

using { tuAmount, tuSettled, roundingLoss, isOpen, isVacatedBy, add, vacated } for OrderState global;

function toOrderState(uint96 tuAmount_, uint256 orderId) pure returns (OrderState) {
    return OrderState.wrap((uint256(OrderId.tagOf(orderId)) << 224) | tuAmount_);
}

function tuAmount(OrderState state) pure returns (uint256) {
    return uint96(OrderState.unwrap(state));
}

function tuSettled(OrderState state) pure returns (uint256) {
    return uint96(OrderState.unwrap(state) >> 96);
}

function roundingLoss(OrderState state) pure returns (uint256) {
    return uint32(OrderState.unwrap(state) >> 192);
}

/// @notice Whether the place holds an order, and this one.
function isOpen(OrderState state, uint256 orderId) pure returns (bool) {
    return _isLatest(state, orderId) && tuAmount(state) != 0;
}

/// @notice Whether the latest order of the place was this one, now closed.
function isVacatedBy(OrderState state, uint256 orderId) pure returns (bool) {
    return _isLatest(state, orderId) && tuAmount(state) == 0;
}

function _isLatest(OrderState state, uint256 orderId) pure returns (bool) {
    return OrderState.unwrap(state) >> 224 == OrderId.tagOf(orderId);
}

/// @notice Adds TU to what is settled, and base units to what is lost by rounding.
/// @param tu What is left of `tuAmount` at most.
/// @param loss May be −1, modulo 2^256, if something is lost already.
function add(OrderState state, uint256 tu, uint256 loss) pure returns (OrderState) {
    // unchecked: neither sum leaves its bits
    unchecked {
        return OrderState.wrap(OrderState.unwrap(state) + (tu << 96) + (loss << 192));
    }
}

/// @notice Returns the state of a place whose order is closed: the tag alone, so that the slot stays above zero.
function vacated(OrderState state) pure returns (OrderState) {
    return OrderState.wrap((OrderState.unwrap(state) >> 224) << 224);
}
