// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { IERC721Receiver } from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";

import { IBuybackCallee } from "../interfaces/IBuybackBurnController.sol";
import { Call } from "./HostileBuyer.sol";

/// @title HostileAgent
/// @notice Tries what it has prepared whenever it is called back, from wherever, and goes on when that fails: as a
/// filler, as the holder of an order, as a signer and as whom a token calls in the midst of a transfer.
contract HostileAgent is IBuybackCallee, IERC721Receiver {
    Call[] private _calls;

    event Tried(bytes4 indexed selector, bool success, bytes answer);

    function prepare(Call[] calldata calls) external {
        delete _calls;
        for (uint256 i = 0; i < calls.length; ++i) _calls.push(calls[i]);
    }

    /// @notice Makes a call that must succeed.
    function act(address target, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(target, data);
    }

    function attempt() public {
        for (uint256 i = 0; i < _calls.length; ++i) {
            Call memory call = _calls[i];
            try this.act(call.target, call.data) returns (bytes memory answer) {
                emit Tried(bytes4(call.data), true, answer);
            } catch (bytes memory reason) {
                emit Tried(bytes4(call.data), false, reason);
            }
        }
    }

    /// @inheritdoc IBuybackCallee
    function onBuyback(address, uint256, uint256, bytes calldata) external {
        attempt();
    }

    /// @inheritdoc IERC721Receiver
    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        attempt();
        return IERC721Receiver.onERC721Received.selector;
    }

    /// @dev As {IERC1271-isValidSignature}, but no view, so that it can try to change something; signs when it could
    /// not.
    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        for (uint256 i = 0; i < _calls.length; ++i) {
            // a change that is forbidden burns all the gas it has
            try this.act{ gas: gasleft() / 16 }(_calls[i].target, _calls[i].data) returns (bytes memory) {
                return 0xffffffff;
            } catch {}
        }
        return IERC1271.isValidSignature.selector;
    }
}
