// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Signature } from "../../../contracts/interfaces/ITUReceiptOracle.sol";
import { Wallet } from "../Wallet.sol";
import { World } from "../World.sol";

/// @notice The oracle's signers: a quorum of those in force signs typed data under the oracle's domain.
abstract contract Signing is World {
    /// @dev Computed here, not read from the oracle, so that a wrong domain is found.
    bytes32 private immutable DOMAIN_SEPARATOR;

    constructor() {
        DOMAIN_SEPARATOR = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("TuringFog TUReceiptOracle"),
                keccak256("1"),
                block.chainid,
                address(oracle)
            )
        );
    }

    function _sign(bytes32 structHash) internal returns (Signature[] memory) {
        return _signAs(structHash, firstSigner + _draw(signerCount - quorum + 1), quorum);
    }

    /// @dev By `count` signers from the `first` on, in force or not.
    function _signAs(
        bytes32 structHash,
        uint256 first,
        uint256 count
    ) internal view returns (Signature[] memory signatures) {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR, structHash));
        signatures = new Signature[](count);
        for (uint256 i = 0; i < count; ++i) {
            signatures[i] = Signature(signerAddresses[first + i], _signatureBy(first + i, digest));
        }
    }

    function _signatureBy(uint256 place, bytes32 digest) private view returns (bytes memory) {
        uint256 key = signerKeys[place];
        if (key == 0) return Wallet(signerAddresses[place]).sign(digest);
        (uint8 v, bytes32 r, bytes32 s) = _signWith(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
