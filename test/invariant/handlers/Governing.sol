// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IBuybackBurnController } from "../../../contracts/interfaces/IBuybackBurnController.sol";
import { IComputeEscrow } from "../../../contracts/interfaces/IComputeEscrow.sol";
import { IEmissionVault } from "../../../contracts/interfaces/IEmissionVault.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IRewardPool } from "../../../contracts/interfaces/IRewardPool.sol";
import { ITFT } from "../../../contracts/interfaces/ITFT.sol";
import { ITUReceiptOracle, RootStatus } from "../../../contracts/interfaces/ITUReceiptOracle.sol";
import { Measuring } from "./Measuring.sol";

/// @dev What is called of OpenZeppelin's TimelockController.
interface ITimelock {
    function schedule(address, uint256, bytes calldata, bytes32, bytes32, uint256) external;

    function execute(address, uint256, bytes calldata, bytes32, bytes32) external;
}

/// @notice The governor behind its timelock, the guardian, and a stranger who tries what only others may do.
abstract contract Governing is Measuring {
    enum Measure {
        Signers,
        Guardian,
        Operations,
        Listing
    }

    /// @dev What the timelock has been told to do.
    struct Proposal {
        Measure measure;
        address target;
        bytes data;
        bytes32 salt;
        uint256 readyAt;
        uint256 first;
        uint256 count;
        address subject;
    }

    Proposal[] private proposals;

    /* GOVERNOR */

    function govern() internal action("govern") {
        if (proposals.length == 3 || (proposals.length != 0 && _draw(2) == 0)) return _execute();
        proposals.push();
        Proposal storage proposal = proposals[proposals.length - 1];
        proposal.measure =
            isDelisted[assets[1]] || isDelisted[assets[2]] || _draw(6) == 0 ? Measure.Listing : Measure(_draw(3));
        proposal.salt = bytes32(calls);
        proposal.readyAt = block.timestamp + DELAY;
        if (proposal.measure == Measure.Signers) _proposeSigners(proposal);
        else if (proposal.measure == Measure.Guardian) _proposeGuardian(proposal);
        else if (proposal.measure == Measure.Operations) _proposeOperations(proposal);
        else _proposeListing(proposal);

        vm.prank(ADMIN);
        ITimelock(timelock).schedule(proposal.target, 0, proposal.data, 0, proposal.salt, DELAY);
    }

    function _proposeSigners(Proposal storage proposal) private {
        proposal.count = FIRST_SIGNERS + _draw(3);
        proposal.first = _draw(2) == 0 ? 0 : signerKeys.length - proposal.count;
        address[] memory signers = _signers(proposal.first, proposal.count);
        proposal.target = address(oracle);
        proposal.data = abi.encodeCall(ITUReceiptOracle.setSigners, (signers, (2 * proposal.count) / 3 + 1));
    }

    function _proposeGuardian(Proposal storage proposal) private {
        proposal.subject = address(uint160(FIRST_GUARDIAN) + uint160(_draw(3)));
        proposal.target = address(oracle);
        proposal.data = abi.encodeCall(ITUReceiptOracle.setGuardian, (proposal.subject));
    }

    function _proposeOperations(Proposal storage proposal) private {
        proposal.subject = _draw(2) == 0 ? TREASURY : OTHER_TREASURY;
        proposal.count = _draw(2_001);
        proposal.target = address(vault);
        proposal.data = abi.encodeCall(IEmissionVault.setOperations, (proposal.subject, uint16(proposal.count)));
    }

    /// @dev Delists what is listed, and lists again what is not.
    function _proposeListing(Proposal storage proposal) private {
        proposal.subject =
            isDelisted[assets[1]]
                ? assets[1]
                : isDelisted[assets[2]]
                    ? assets[2]
                    : assets[1 + _draw(2)];
        proposal.target = address(escrow);
        proposal.data =
            isDelisted[proposal.subject]
                ? abi.encodeCall(IComputeEscrow.listAsset, (proposal.subject, 0))
                : abi.encodeCall(IComputeEscrow.delistAsset, (proposal.subject));
    }

    function _execute() private {
        Proposal memory proposal = proposals[_draw(proposals.length)];
        if (block.timestamp < proposal.readyAt) vm.warp(proposal.readyAt + _draw(1 hours));
        for (uint256 i = 0; i < proposals.length; ++i) {
            if (proposals[i].salt != proposal.salt) continue;
            proposals[i] = proposals[proposals.length - 1];
            proposals.pop();
        }
        // a listing may have been proposed twice, and be done already
        if (proposal.measure == Measure.Listing) {
            bool delists = bytes4(proposal.data) == IComputeEscrow.delistAsset.selector;
            if (delists == isDelisted[proposal.subject]) return _idle();
        }

        vm.prank(ADMIN);
        ITimelock(timelock).execute(proposal.target, 0, proposal.data, 0, proposal.salt);
        _apply(proposal);
    }

    function _apply(Proposal memory proposal) private {
        if (proposal.measure == Measure.Signers) {
            if (_findBatch(RootStatus.Pending) != 0) _saw("rotated under a pending root");
            _undoPending();
            rotatedAt[version++] = block.timestamp;
            lastRotationAt = block.timestamp;
            (firstSigner, signerCount, quorum) = (proposal.first, proposal.count, (2 * proposal.count) / 3 + 1);
            _saw("rotated signers");
        } else if (proposal.measure == Measure.Guardian) {
            guardian = proposal.subject;
            _saw("replaced the guardian");
        } else if (proposal.measure == Measure.Operations) {
            (treasury, share) = (proposal.subject, proposal.count);
            _saw("changed operations");
        } else {
            isDelisted[proposal.subject] = !isDelisted[proposal.subject];
            _saw(isDelisted[proposal.subject] ? bytes32("delisted an asset") : bytes32("listed an asset again"));
        }
    }

    /* GUARDIAN */

    function guard() internal action("guard") {
        if (_draw(6) == 0) return ratedAt != 0 && _draw(2) == 0 ? _vetoRating() : _revoke(_machine());
        if (_isFrozen()) return _thaw();
        uint256 place = _findBatch(RootStatus.Pending);
        if (place != 0 && _draw(3) != 0) return _veto(batches[place - 1]);
        if (batches.length != 0 && _draw(8) == 0) return _veto(batches[_draw(batches.length)]);
        if (batches.length == 0 || _draw(3) != 0) return _idle();
        if (freezes.length == 0 || block.timestamp >= freezes[freezes.length - 1].startedAt + FREEZE_INTERVAL) {
            return _freeze();
        }
        bytes memory call_ = abi.encodeCall(ITUReceiptOracle.freeze, ());
        _refused(guardian, address(oracle), call_, ITUReceiptOracle.Oracle_FreezeTooSoon.selector);
    }

    function _veto(Batch storage batch) private {
        if (_statusOf(batch) != RootStatus.Pending) {
            bytes memory call_ = abi.encodeCall(ITUReceiptOracle.veto, (batch.root));
            return _refused(guardian, address(oracle), call_, ITUReceiptOracle.Oracle_NotPending.selector);
        }
        vm.prank(guardian);
        oracle.veto(batch.root);
        batch.isVetoed = true;
        lastVetoAt = block.timestamp;
        _saw("vetoed a root");
    }

    function _revoke(Machine storage machine) private {
        bool isInForce = _isRenewable(machine);
        if (!isInForce && machine.pendingFrom == 0) {
            bytes memory call_ = abi.encodeCall(INodeRegistry.revokeNode, (machine.id));
            return _refused(guardian, address(registry), call_, INodeRegistry.Registry_NothingToRevoke.selector);
        }
        vm.prank(guardian);
        registry.revokeNode(machine.id);
        if (isInForce) {
            (machine.revokedUntil, machine.attestedUntil) = (machine.attestedUntil, block.timestamp - 1);
            _saw("revoked an attestation");
        } else {
            (machine.revokedUntil, machine.pendingFrom) = (machine.pendingUntil, 0);
            _saw("revoked a pending attestation");
        }
    }

    function _vetoRating() private {
        bytes32 gpuModel = keccak256(bytes(_ratedModel()));
        if (block.timestamp >= ratedAt + VETO_WINDOW) {
            bytes memory call_ = abi.encodeCall(INodeRegistry.vetoRating, (gpuModel));
            return _refused(guardian, address(registry), call_, INodeRegistry.Registry_RatingNotPending.selector);
        }
        vm.prank(guardian);
        registry.vetoRating(gpuModel);
        ratedAt = 0;
        _saw("vetoed a rating");
    }

    function _freeze() private {
        if (_findBatch(RootStatus.Pending) != 0) _saw("froze over a pending root");
        vm.prank(guardian);
        oracle.freeze();
        _undoPending();
        frozenUntil = block.timestamp + FREEZE_DURATION;
        freezes.push(Freeze(block.timestamp, frozenUntil));
        _saw("froze");
    }

    function _thaw() private {
        vm.prank(guardian);
        oracle.thaw();
        frozenUntil = block.timestamp;
        freezes[freezes.length - 1].endsAt = block.timestamp;
        _saw("thawed early");
    }

    /* A STRANGER */

    function trespass() internal action("trespass") {
        uint256 way = _draw(20);
        if (way > 13) _forgeSignatures();
        else if (way < 5) _trespassAsGovernor(way);
        else if (way < 8) _trespassAsGuardian(way);
        else _trespassAsContract(way);
    }

    function _trespassAsGovernor(uint256 way) private {
        if (way == 0) {
            bytes memory call_ = abi.encodeCall(
                ITUReceiptOracle.setSigners,
                (_signers(0, FIRST_SIGNERS), FIRST_QUORUM)
            );
            _refused(STRANGER, address(oracle), call_, ITUReceiptOracle.Oracle_NotGovernor.selector);
        } else if (way == 1) {
            bytes memory call_ = abi.encodeCall(ITUReceiptOracle.setGuardian, (STRANGER));
            _refused(ADMIN, address(oracle), call_, ITUReceiptOracle.Oracle_NotGovernor.selector);
        } else if (way == 2) {
            bytes memory call_ = abi.encodeCall(IEmissionVault.setOperations, (STRANGER, 2_000));
            _refused(ADMIN, address(vault), call_, IEmissionVault.Vault_NotGovernor.selector);
        } else if (way == 3) {
            bytes memory call_ = abi.encodeCall(IComputeEscrow.listAsset, (STRANGER, 1));
            _refused(STRANGER, address(escrow), call_, IComputeEscrow.Escrow_NotGovernor.selector);
        } else {
            bytes memory call_ = abi.encodeCall(IComputeEscrow.delistAsset, (address(usd)));
            _refused(ADMIN, address(escrow), call_, IComputeEscrow.Escrow_NotGovernor.selector);
        }
    }

    function _trespassAsGuardian(uint256 way) private {
        uint256 what = _draw(3);
        if (what != 0) {
            bytes memory registryCall =
                what == 1
                    ? abi.encodeCall(INodeRegistry.revokeNode, (machines[0].id))
                    : abi.encodeCall(INodeRegistry.vetoRating, (keccak256("V100")));
            return _refused(STRANGER, address(registry), registryCall, INodeRegistry.Registry_NotGuardian.selector);
        }
        bytes memory call_ =
            way == 5
                ? abi.encodeCall(ITUReceiptOracle.freeze, ())
                : way == 6
                    ? abi.encodeCall(ITUReceiptOracle.thaw, ())
                    : abi.encodeCall(ITUReceiptOracle.veto, (bytes32(calls)));
        _refused(STRANGER, address(oracle), call_, ITUReceiptOracle.Oracle_NotGuardian.selector);
    }

    function _trespassAsContract(uint256 way) private {
        if (way == 8) {
            bytes memory call_ = abi.encodeCall(IEmissionVault.release, ());
            _refused(treasury, address(vault), call_, IEmissionVault.Vault_NotController.selector);
        } else if (way == 9) {
            _refused(BANK, address(tft), abi.encodeCall(ITFT.burn, (1)), ITFT.TFT_NotController.selector);
        } else if (way == 10) {
            bytes memory call_ = abi.encodeCall(IRewardPool.addReward, (calls, 1, true));
            _refused(STRANGER, address(pool), call_, IRewardPool.Pool_NotController.selector);
        } else if (way == 11) {
            bytes memory call_ = abi.encodeCall(
                IRewardPool.addWeights,
                (address(tft), new address[](0), new uint256[](0))
            );
            _refused(STRANGER, address(pool), call_, IRewardPool.Pool_NotEscrow.selector);
        } else if (way == 12) {
            bytes memory call_ = abi.encodeCall(INodeRegistry.reserve, (machines[0].id, address(tft), 1));
            _refused(STRANGER, address(registry), call_, INodeRegistry.Registry_NotEscrow.selector);
        } else {
            bytes memory call_ = abi.encodeCall(IBuybackBurnController.createAuction, (address(usd), FIRST_REFERENCE));
            _refused(STRANGER, address(controller), call_, IBuybackBurnController.Controller_NotEscrow.selector);
        }
    }

    /* DONATIONS */

    /// @dev Statement 4: donations change nothing.
    function donate() internal action("donate") {
        address asset = _drawAsset();
        uint256 way = _draw(asset == address(tft) ? 4 : 2);
        address to =
            way == 0
                ? address(escrow)
                : way == 1
                    ? address(controller)
                    : way == 2
                        ? address(pool)
                        : address(vault);
        uint256 amount = _scaled(asset == address(tft) ? 1_000e18 : 1_000_000);
        _fund(asset, to, amount);
        if (way == 0) books[asset].givenToEscrow += amount;
        else if (way == 1) books[asset].givenToController += amount;
        else if (way == 2) givenToPool += amount;
        else givenToVault += amount;
    }
}
