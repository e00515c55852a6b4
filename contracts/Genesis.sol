// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";

import { IBuybackBurnController } from "./interfaces/IBuybackBurnController.sol";
import { IComputeEscrow } from "./interfaces/IComputeEscrow.sol";
import { IEmissionVault } from "./interfaces/IEmissionVault.sol";
import { IGenesis, Plan, System } from "./interfaces/IGenesis.sol";
import { INodeRegistry } from "./interfaces/INodeRegistry.sol";
import { IRewardPool } from "./interfaces/IRewardPool.sol";
import { Allocation, ITFT } from "./interfaces/ITFT.sol";
import { ITUReceiptOracle } from "./interfaces/ITUReceiptOracle.sol";

/// @title Genesis
/// @notice See {IGenesis}.
/// @custom:security-contact security@turingfog.example
contract Genesis is IGenesis {
    /* IMMUTABLES */

    /// @inheritdoc IGenesis
    bytes32 public immutable PLAN_HASH;

    /* CONSTRUCTOR */

    constructor(bytes32 codesHash, Plan memory plan) {
        PLAN_HASH = keccak256(abi.encode(codesHash, plan));
    }

    /* CREATING */

    /// @inheritdoc IGenesis
    function create(bytes[7] calldata codes, Plan calldata plan) external returns (System memory created) {
        bytes32 planHash = keccak256(abi.encode(keccak256(abi.encode(codes)), plan));
        if (planHash != PLAN_HASH) revert Genesis_NotThePlan(planHash, PLAN_HASH);
        created = system(plan.governor);
        if (created.tft.code.length != 0) revert Genesis_AlreadyDone();

        emit Created(created);

        // in this order: the vault finds its reserve, and each constructor what it reads from those before it
        _create(1, codes[0], abi.encode(created, plan.allocations), created.tft);
        _create(2, codes[1], abi.encode(created, plan.operationsTreasury, plan.operationsShare), created.vault);
        _create(
            3,
            codes[2],
            abi.encode(created, plan.vetoWindow, plan.guardian, plan.signers, plan.quorum),
            created.oracle
        );
        _create(4, codes[3], abi.encode(created), created.registry);
        _create(5, codes[4], abi.encode(created, plan.epochLength), created.pool);
        _create(6, codes[5], abi.encode(created, plan.auctionPeriod), created.controller);
        _create(7, codes[6], abi.encode(created, plan.grace, plan.assets), created.escrow);

        _checkAllocations(created, plan.allocations);
        _checkWiring(created);
    }

    /// @dev The address is that of this contract's `nonce`-th creation, and so known beforehand.
    function _create(uint256 nonce, bytes calldata code, bytes memory arguments, address expected) private {
        bytes memory initCode = bytes.concat(code, arguments);
        address created;
        // Solidity can create only contracts whose code the creator carries, and this one must not carry seven
        assembly ("memory-safe") {
            created := create(0, add(initCode, 0x20), mload(initCode))
        }
        if (created != expected) revert Genesis_CreationFailed(nonce);
    }

    function _checkAllocations(System memory s, Allocation[] calldata allocations) private view {
        uint256 reserve = IEmissionVault(s.vault).RESERVE();
        if (IERC20(s.tft).balanceOf(s.vault) != reserve) revert Genesis_InvalidAllocation(s.vault, reserve);

        for (uint256 i = 0; i < allocations.length; ++i) {
            (address holder, uint256 amount) = (allocations[i].holder, allocations[i].amount);
            bool isProtocol =
                holder == address(this) ||
                    holder == s.tft ||
                    holder == s.oracle ||
                    holder == s.registry ||
                    holder == s.pool ||
                    holder == s.controller ||
                    holder == s.escrow;
            if (isProtocol || IERC20(s.tft).balanceOf(holder) < amount)
                revert Genesis_InvalidAllocation(holder, amount);
        }
    }

    function _checkWiring(System memory s) private view {
        _check(s.tft, ITFT.CONTROLLER.selector, s.controller);
        _check(s.vault, IEmissionVault.GOVERNOR.selector, s.governor);
        _check(s.vault, IEmissionVault.TFT.selector, s.tft);
        _check(s.vault, IEmissionVault.ORACLE.selector, s.oracle);
        _check(s.vault, IEmissionVault.REGISTRY.selector, s.registry);
        _check(s.vault, IEmissionVault.POOL.selector, s.pool);
        _check(s.vault, IEmissionVault.CONTROLLER.selector, s.controller);
        _check(s.vault, IEmissionVault.ESCROW.selector, s.escrow);
        _check(s.oracle, ITUReceiptOracle.GOVERNOR.selector, s.governor);
        _check(s.oracle, ITUReceiptOracle.ESCROW.selector, s.escrow);
        _check(s.registry, INodeRegistry.ORACLE.selector, s.oracle);
        _check(s.registry, INodeRegistry.ESCROW.selector, s.escrow);
        _check(s.pool, IRewardPool.TFT.selector, s.tft);
        _check(s.pool, IRewardPool.CONTROLLER.selector, s.controller);
        _check(s.pool, IRewardPool.ESCROW.selector, s.escrow);
        _check(s.controller, IBuybackBurnController.TFT.selector, s.tft);
        _check(s.controller, IBuybackBurnController.VAULT.selector, s.vault);
        _check(s.controller, IBuybackBurnController.POOL.selector, s.pool);
        _check(s.controller, IBuybackBurnController.ESCROW.selector, s.escrow);
        _check(s.escrow, IComputeEscrow.GOVERNOR.selector, s.governor);
        _check(s.escrow, IComputeEscrow.ORACLE.selector, s.oracle);
        _check(s.escrow, IComputeEscrow.REGISTRY.selector, s.registry);
        _check(s.escrow, IComputeEscrow.CONTROLLER.selector, s.controller);
        _check(s.escrow, IComputeEscrow.POOL.selector, s.pool);
    }

    function _check(address target, bytes4 getter, address expected) private view {
        bytes memory answer = Address.functionStaticCall(target, abi.encodePacked(getter));
        if (abi.decode(answer, (address)) != expected) revert Genesis_Miswired(target, getter, expected);
    }

    /* VIEWS */

    /// @inheritdoc IGenesis
    function system(address governor) public view returns (System memory) {
        return
            System({
                governor: governor,
                tft: _addressOf(1),
                vault: _addressOf(2),
                oracle: _addressOf(3),
                registry: _addressOf(4),
                pool: _addressOf(5),
                controller: _addressOf(6),
                escrow: _addressOf(7)
            });
    }

    /// @dev The last 20 bytes of keccak256(rlp([this, nonce])), nonce below 128 (Ethereum yellow paper, section 7).
    function _addressOf(uint256 nonce) private view returns (address) {
        bytes memory rlp = abi.encodePacked(bytes2(0xd694), address(this), uint8(nonce));
        return address(uint160(uint256(keccak256(rlp))));
    }
}
