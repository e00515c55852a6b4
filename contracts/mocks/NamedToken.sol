// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Order } from "../interfaces/IComputeEscrow.sol";

/// @title NamedToken
/// @notice Test double: an asset that answers whatever it is told to, and an escrow with one order in it.
contract NamedToken {
    bytes private _symbol;
    bytes private _decimals;
    Order private _order;

    /// @param symbol_,decimals_ What is returned as it stands; empty to revert.
    function set(bytes calldata symbol_, bytes calldata decimals_) external {
        (_symbol, _decimals) = (symbol_, decimals_);
    }

    function setOrder(Order calldata order_) external {
        _order = order_;
    }

    function order(uint256) external view returns (Order memory) {
        return _order;
    }

    function symbol() external view {
        _answer(_symbol);
    }

    function decimals() external view {
        _answer(_decimals);
    }

    function _answer(bytes memory answer) private pure {
        assert(answer.length != 0);
        assembly ("memory-safe") {
            return(add(answer, 0x20), mload(answer))
        }
    }
}
