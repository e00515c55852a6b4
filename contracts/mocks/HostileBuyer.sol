// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

import { IBuybackCallee } from "../interfaces/IBuybackBurnController.sol";

/// @notice A call to make.
struct Call {
    address target;
    bytes data;
}

/// @title HostileBuyer
/// @notice Makes whatever calls it is told to, also from within the hook of a purchase, and passes on what they revert
/// with.
/// @custom:security-contact security@turingfog.example
contract HostileBuyer is IBuybackCallee {
    using Address for address;

    event Hooked(address caller, address asset, uint256 amount, uint256 tftOwed);
    event Answered(bytes answer);

    function execute(Call[] memory calls) public {
        for (uint256 i = 0; i < calls.length; ++i) emit Answered(calls[i].target.functionCall(calls[i].data));
    }

    /// @inheritdoc IBuybackCallee
    /// @param data The encoded calls to make.
    function onBuyback(address asset, uint256 amount, uint256 tftOwed, bytes calldata data) external {
        emit Hooked(msg.sender, asset, amount, tftOwed);
        execute(abi.decode(data, (Call[])));
    }
}
