// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { LowLevelCall } from "@openzeppelin/contracts/utils/LowLevelCall.sol";

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
    /* CONSTANTS */

    uint256 private constant STEPS = 7;
    uint256 private constant TFT_STEP = 6;

    /* IMMUTABLES */

    /// @inheritdoc IGenesis
    bytes32 public immutable PLAN_HASH;

    /* CONSTRUCTOR */

    constructor(bytes32[7] memory codeHashes, Plan memory plan) {
        PLAN_HASH = keccak256(abi.encode(codeHashes, plan));
    }

    /* CREATING */

    /// @inheritdoc IGenesis
    function create(
        bytes calldata code,
        bytes32[7] calldata codeHashes,
        Plan calldata plan
    ) external returns (address created) {
        bytes32 planHash = keccak256(abi.encode(codeHashes, plan));
        if (planHash != PLAN_HASH) revert Genesis_NotThePlan(planHash, PLAN_HASH);
        uint256 step = _nextStep();
        if (step > STEPS) revert Genesis_AlreadyDone();
        bytes32 expected = codeHashes[step - 1];
        if (keccak256(code) != expected) revert Genesis_OutOfTurn(step, keccak256(code), expected);

        System memory s = system(plan.governor);
        created = _addressOf(step);
        emit ContractCreated(step, created);

        _create(step, bytes.concat(code, _arguments(step, s, plan)), created);

        // at once, so that no gift and no vesting release comes in between
        if (step == TFT_STEP) _checkAllocations(s, plan.allocations);
        if (step == STEPS) {
            _checkWiring(s);
            emit Created(s);
        }
    }

    /// @dev The number of the first contract that does not stand: one more than {STEPS} if all do.
    function _nextStep() private view returns (uint256 step) {
        step = 1;
        while (step <= STEPS && _addressOf(step).code.length != 0) ++step;
    }

    /// @dev In this order: the TFT, which the holders can move from then on, comes when all that could take it in or
    /// release it stands; the escrow, without which no order can be opened, comes last.
    function _arguments(uint256 step, System memory s, Plan calldata plan) private pure returns (bytes memory) {
        if (step == 1) return abi.encode(s, plan.operationsTreasury, plan.operationsShare);
        if (step == 2) return abi.encode(s, plan.vetoWindow, plan.guardian, plan.signers, plan.quorum);
        if (step == 3) return abi.encode(s);
        if (step == 4) return abi.encode(s, plan.epochLength);
        if (step == 5) return abi.encode(s, plan.auctionPeriod);
        if (step == TFT_STEP) return abi.encode(s, plan.allocations);
        return abi.encode(s, plan.grace, plan.renderer, plan.assets);
    }

    /// @dev The address is that of this contract's creation number `step`, and so known beforehand. A creation that
    /// fails takes back the nonce that it used, because the call reverts.
    function _create(uint256 step, bytes memory initCode, address expected) private {
        address created;
        // Solidity can create only contracts whose code the creator carries, and this one must not carry seven
        assembly ("memory-safe") {
            created := create(0, add(initCode, 0x20), mload(initCode))
        }
        if (created != expected) revert Genesis_CreationFailed(step, LowLevelCall.returnData());
    }

    function _checkAllocations(System memory s, Allocation[] calldata allocations) private view {
        uint256 reserve = IEmissionVault(s.vault).RESERVE();
        if (IERC20(s.tft).balanceOf(s.vault) < reserve) revert Genesis_InvalidAllocation(s.vault, reserve);

        for (uint256 i = 0; i < allocations.length; ++i) {
            (address holder, uint256 amount) = (allocations[i].holder, allocations[i].amount);
            bool isProtocol =
                holder == address(this) ||
                    holder == s.tft ||
                    holder == s.vault ||
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
                tft: _addressOf(TFT_STEP),
                vault: _addressOf(1),
                oracle: _addressOf(2),
                registry: _addressOf(3),
                pool: _addressOf(4),
                controller: _addressOf(5),
                escrow: _addressOf(STEPS)
            });
    }

    /// @dev The last 20 bytes of keccak256(rlp([this, nonce])), nonce below 128 (Ethereum yellow paper, section 7).
    function _addressOf(uint256 nonce) private view returns (address) {
        bytes memory rlp = abi.encodePacked(bytes2(0xd694), address(this), uint8(nonce));
        return address(uint160(uint256(keccak256(rlp))));
    }
}
