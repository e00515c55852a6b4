// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title TwoFacedSigner
/// @notice A signer whose ERC-1271 contract seems to take every signature, and spoils the quorum that it is part of.
contract TwoFacedSigner is IERC1271 {
    enum Face {
        DirtyAnswer, // the right four bytes, then others where the contract must have zeros
        Disliking, // refuses one who asks, or on whose behalf it is asked
        DirectOnly // refuses when it is asked by a contract
    }

    Face private immutable FACE;
    address private immutable DISLIKED;

    constructor(Face face, address disliked) {
        FACE = face;
        DISLIKED = disliked;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (FACE == Face.DirtyAnswer) {
            bytes32 answer = bytes32(IERC1271.isValidSignature.selector) | bytes32(uint256(1));
            assembly {
                mstore(0, answer)
                return(0, 0x20)
            }
        }
        // solhint-disable-next-line avoid-tx-origin
        address origin = tx.origin;
        bool takes = FACE == Face.Disliking ? msg.sender != DISLIKED && origin != DISLIKED : msg.sender == origin;
        return takes ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
