// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import { Receipt } from "../../contracts/interfaces/IComputeEscrow.sol";

/// @notice A tree of receipts and its multiproofs, laid out as OpenZeppelin's StandardMerkleTree: node p has the
/// children 2p + 1 and 2p + 2, and the leaves stand at the end in reverse. Leaves are left in the order given, which no
/// verifier can see.
library ReceiptTree {
    function build(Receipt[] memory receipts) internal pure returns (bytes32[] memory tree) {
        uint256 count = receipts.length;
        tree = new bytes32[](2 * count - 1);
        for (uint256 i = 0; i < count; ++i) {
            tree[2 * count - 2 - i] = _leaf(receipts[i]);
        }
        for (uint256 p = count - 1; p > 0; --p) tree[p - 1] = Hashes.commutativeKeccak256(tree[2 * p - 1], tree[2 * p]);
    }

    function _leaf(Receipt memory receipt) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(receipt))));
    }

    /// @param chosen Indices of leaves, ascending; in this order the receipts are to be given.
    function multiproof(
        bytes32[] memory tree,
        uint256[] memory chosen
    ) internal pure returns (bytes32[] memory proof, bool[] memory flags) {
        uint256[] memory queue = new uint256[](tree.length + chosen.length);
        for (uint256 i = 0; i < chosen.length; ++i) queue[i] = tree.length - 1 - chosen[i];
        proof = new bytes32[](tree.length);
        flags = new bool[](tree.length);

        uint256 proofs = 0;
        uint256 steps = 0;
        uint256 tail = chosen.length;
        for (uint256 head = 0; queue[head] != 0; ++steps) {
            uint256 node = queue[head++];
            uint256 sibling = node % 2 == 1 ? node + 1 : node - 1;
            if (head < tail && queue[head] == sibling) {
                flags[steps] = true;
                ++head;
            } else {
                proof[proofs++] = tree[sibling];
            }
            queue[tail++] = (node - 1) / 2;
        }
        assembly ("memory-safe") {
            mstore(proof, proofs)
            mstore(flags, steps)
        }
    }
}
