// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Acknowledgement, OpenParams } from "../../contracts/interfaces/IComputeEscrow.sol";
import { Signing } from "./handlers/Signing.sol";

/// @notice Counts slots in storage, which grow with what is open and not with what was ever opened: 10,000 orders, 100 of them open at once, each
/// opened in the place of one that is closed, delivered and closed within a day; miners claim once a week.
contract GrowthTest is Signing {
    bytes32 private constant NODE_ATTESTATION_TYPEHASH = keccak256(
        "NodeAttestation(uint256 nodeId,uint40 validUntil,bytes32 evidence,uint64 signerSetVersion)"
    );

    uint256 private constant DAYS = 100;
    uint256 private constant OPEN = 100;
    uint256 private constant NODES = 10;

    address private constant RENTER = address(0x7e7);

    uint256[NODES] private nodeIds;
    uint256[] private former = new uint256[](OPEN);

    mapping(address account => bytes32[]) private slots;
    mapping(address account => mapping(bytes32 slot => bool)) private isKnown;

    function test_slotsAreUsedAgain() external {
        vm.pauseGasMetering();
        _offerNodes();
        vm.prank(BANK);
        tft.transfer(RENTER, DAYS * OPEN * 1e18);
        vm.prank(RENTER);
        tft.approve(address(escrow), type(uint256).max);

        uint256 escrowSlots;
        uint256 poolSlots;
        for (uint256 day = 1; day <= DAYS; ++day) {
            _liveADay();
            if (day % 7 == 0) _claim(day - 6, day);
            if (day == DAYS / 10) (escrowSlots, poolSlots) = (_count(address(escrow)), _count(address(pool)));
        }
        string memory report = vm.envString("GROWTH_REPORT");
        _report(report, "escrow", escrowSlots, address(escrow));
        _report(report, "pool", poolSlots, address(pool));
    }

    function _report(string memory file, string memory name, uint256 early, address account) private {
        string memory counts = string.concat(vm.toString(early), " ", vm.toString(_count(account)));
        vm.writeLine(file, string.concat(name, " ", counts));
    }

    function _offerNodes() private {
        for (uint256 i = 0; i < NODES; ++i) {
            vm.startPrank(_miner(i));
            nodeIds[i] = registry.registerNode(keccak256("GTX 1080 Ti"), 1, _miner(i), "ipfs://node");
            registry.setListing(nodeIds[i], address(tft), 1e18, type(uint128).max);
            vm.stopPrank();
        }
        _attestNodes();
        vm.warp(block.timestamp + VETO_WINDOW);
    }

    function _attestNodes() private {
        uint256 until = block.timestamp + 90 days;
        for (uint256 i = 0; i < NODES; ++i) {
            bytes32 structHash = keccak256(
                abi.encode(NODE_ATTESTATION_TYPEHASH, nodeIds[i], until, bytes32(0), oracle.signerSetVersion())
            );
            registry.attestNode(nodeIds[i], uint40(until), 0, _signAs(structHash, 0, FIRST_QUORUM));
        }
    }

    function _liveADay() private {
        vm.record();
        OpenParams[] memory all = new OpenParams[](OPEN);
        for (uint256 i = 0; i < OPEN; ++i) {
            all[i].nodeId = nodeIds[i % NODES];
            all[i].asset = address(tft);
            (all[i].tuAmount, all[i].maxUnitPrice, all[i].duration) = (1e18, 1e18, 1 days);
            (all[i].renter, all[i].reuse) = (RENTER, former[i]);
        }
        vm.prank(RENTER);
        uint256[] memory orderIds = escrow.openOrders(all);

        Acknowledgement[] memory delivered = new Acknowledgement[](OPEN);
        for (uint256 i = 0; i < OPEN; ++i) delivered[i] = Acknowledgement(orderIds[i], 1e18, "");
        vm.prank(RENTER);
        escrow.settleAcknowledged(address(tft), delivered);
        for (uint256 i = 0; i < OPEN; ++i) escrow.close(orderIds[i]);
        former = orderIds;

        if (block.timestamp % 60 days < 1 days) _attestNodes();
        vm.warp(block.timestamp + 1 days);
        (uint256 round, , ) = pool.closedRound(address(tft));
        controller.burn(round);
        _note(address(escrow));
        _note(address(pool));
    }

    function _claim(uint256 first, uint256 last) private {
        uint256[] memory ids = new uint256[](last - first + 1);
        for (uint256 i = 0; i < ids.length; ++i) ids[i] = pool.bucketId(first + i, address(tft));
        for (uint256 i = 0; i < NODES; ++i) require(pool.claimFor(_miner(i), ids) > 0, "each week is paid");
    }

    /// @dev Notes the slots written since the last {Vm-record}.
    function _note(address account) private {
        (, bytes32[] memory written) = vm.accesses(account);
        for (uint256 i = 0; i < written.length; ++i) {
            if (isKnown[account][written[i]]) continue;
            isKnown[account][written[i]] = true;
            slots[account].push(written[i]);
        }
    }

    /// @dev Counts the slots that are not zero, rounds' buckets apart.
    function _count(address account) private view returns (uint256 count) {
        for (uint256 i = 0; i < slots[account].length; ++i) {
            if (vm.load(account, slots[account][i]) != 0) ++count;
        }
        if (account == address(pool)) count -= pool.openRound(address(tft)) - 1;
    }
}
