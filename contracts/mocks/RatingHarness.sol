// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { System } from "../interfaces/IGenesis.sol";
import { Signature } from "../interfaces/ITUReceiptOracle.sol";
import { NodeRegistry } from "../NodeRegistry.sol";

/// @title RatingHarness
/// @notice Has a NodeRegistry rate many models in one call, being its oracle, which asks for no signature.
/// @custom:security-contact security@turingfog.example
contract RatingHarness {
    NodeRegistry public immutable REGISTRY;

    constructor() {
        System memory system;
        system.oracle = address(this);
        REGISTRY = new NodeRegistry(system);
    }

    /// @return outcomes The pending rating of each model, or keccak256 of the error with which the registry refuses it.
    function rate(uint32[7][] calldata models) external returns (uint256[] memory outcomes) {
        outcomes = new uint256[](models.length);
        for (uint256 i = 0; i < models.length; ++i) {
            bytes32 gpuModel = keccak256(abi.encode(i));
            try REGISTRY.attestRating(gpuModel, models[i], 0, new Signature[](0)) {
                (outcomes[i], ) = REGISTRY.pendingRating(gpuModel);
            } catch (bytes memory reason) {
                outcomes[i] = uint256(keccak256(reason));
            }
        }
    }

    /// @dev As {ITUReceiptOracle-signerSetVersion}.
    function signerSetVersion() external pure returns (uint64) {
        return 1;
    }

    /// @dev As {ITUReceiptOracle-VETO_WINDOW}.
    // solhint-disable-next-line func-name-mixedcase
    function VETO_WINDOW() external pure returns (uint40) {
        return 1;
    }

    /// @dev As {ITUReceiptOracle-checkQuorum}, of a quorum that signs everything.
    function checkQuorum(bytes32, Signature[] calldata) external pure returns (uint40) {
        return 1;
    }

    /// @dev As {ITUReceiptOracle-isUndisturbed}.
    function isUndisturbed(uint40, uint40) external pure returns (bool) {
        return true;
    }
}
