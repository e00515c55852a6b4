// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import { IERC721Receiver } from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

/// @notice OpenZeppelin's ERC721 as it is, which keeps owners by id: what the escrow's orders are held against.
contract PlainOrders is ERC721("TuringFog Compute Order", "TFORDER") {
    function mint(address to, uint256 id) external {
        _mint(to, id);
    }

    function burn(uint256 id) external {
        _burn(id);
    }
}

/// @notice Takes tokens, or does otherwise when it is sent one safely.
contract Receiver is IERC721Receiver {
    enum Manner {
        Accept,
        Refuse,
        RevertWithData,
        RevertEmpty,
        PassOn
    }

    error Unwanted(address operator, address from, uint256 id, bytes data);

    Manner private immutable MANNER;
    address private immutable NEXT;

    constructor(Manner manner, address next) {
        MANNER = manner;
        NEXT = next;
    }

    function onERC721Received(
        address operator,
        address from,
        uint256 id,
        bytes calldata data
    ) external returns (bytes4) {
        if (MANNER == Manner.Refuse) return bytes4(0xdeadbeef);
        if (MANNER == Manner.RevertWithData) revert Unwanted(operator, from, id, data);
        if (MANNER == Manner.RevertEmpty) {
            assembly ("memory-safe") {
                revert(0, 0)
            }
        }
        if (MANNER == Manner.PassOn) IERC721(msg.sender).transferFrom(address(this), NEXT, id);
        return this.onERC721Received.selector;
    }
}
