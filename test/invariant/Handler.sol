// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { Acknowledging } from "./handlers/Acknowledging.sol";
import { Buying } from "./handlers/Buying.sol";
import { Governing } from "./handlers/Governing.sol";
import { Measuring } from "./handlers/Measuring.sol";
import { Mining } from "./handlers/Mining.sol";
import { Renting } from "./handlers/Renting.sol";
import { Rewarding } from "./handlers/Rewarding.sol";
import { Settling } from "./handlers/Settling.sol";
import { Spending } from "./handlers/Spending.sol";
import { Waiting } from "./handlers/Waiting.sol";
import { Statements } from "./Statements.sol";

/// @notice All who act on the system, what must hold after each of their calls, and what a run has come to.
contract Handler is
    Statements,
    Renting,
    Mining,
    Measuring,
    Settling,
    Acknowledging,
    Spending,
    Buying,
    Rewarding,
    Governing,
    Waiting
{
    uint256 private constant ACTIONS = 35;

    /// @dev When a history begins near a phase's end, so much is left to burn, or down to half of it.
    uint256 private constant REST = 1_000_000e18;

    /// @notice What one call of forge does: it costs forge as much to begin a call as some actions take.
    uint256 public constant ACTIONS_A_CALL = 16;

    /// @notice Lives until so much is burned, but for a rest, so that a history begins near a phase's end.
    function begin(uint256 seed, uint256 most) external {
        _shuffle(seed);
        isBeginning = true;
        while (burned + REST < most) {
            _spend(Math.min(tft.balanceOf(BANK) / 2, most - REST / 2 - burned));
            _check();
            _live(waitForEpoch);
            while (_isUnfinished(address(tft))) _live(burnRound);
            for (uint256 i = 0; i < MINERS; ++i) _live(claim);
            _live(payOperations);
            _live(sell);
        }
        isBeginning = false;
    }

    /// @notice Draws actions, and checks every statement after each.
    function act(uint256 seed) external {
        _shuffle(seed);
        function()[ACTIONS] memory actions = _actions();
        for (uint256 i = 0; i < ACTIONS_A_CALL; ++i) _live(actions[_draw(ACTIONS)]);
    }

    /// @dev Nothing that an action has left in memory is used again.
    function _live(function() action_) private {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        action_();
        _check();
        assembly ("memory-safe") {
            mstore(0x40, free)
        }
    }

    function _actions() private pure returns (function()[ACTIONS] memory) {
        return
            [
                openJointOrder,
                openNodeOrder,
                openForSomeoneElse,
                openWithPermit,
                openSeveral,
                transferOrder,
                stop,
                close,
                registerNode,
                attestNode,
                setListing,
                setPayout,
                submitEpoch,
                submitSeries,
                submitOne,
                settleSome,
                settleAll,
                settleInAnyOrder,
                acknowledge,
                burnRound,
                buySome,
                buyAll,
                writeOff,
                claim,
                setRecipient,
                claimInAnyGrouping,
                payOperations,
                sell,
                govern,
                guard,
                trespass,
                donate,
                waitHours,
                waitForEpoch,
                waitDays
            ];
    }

    /// @notice One line of JSON: `actions` with how often each was done, refused and idle, and `sights`.
    function report() external view returns (string memory) {
        string memory actions = "";
        for (uint256 i = 0; i < names.length; ++i) {
            Tally storage tally = tallies[names[i]];
            actions = string.concat(actions, i == 0 ? "" : ",", _key(names[i]), "[", vm.toString(tally.done));
            actions = string.concat(actions, ",", vm.toString(tally.refused), ",", vm.toString(tally.idle), "]");
        }
        string memory seen = "";
        for (uint256 i = 0; i < sightNames.length; ++i) {
            seen = string.concat(seen, i == 0 ? "" : ",", _key(sightNames[i]), vm.toString(sights[sightNames[i]]));
        }
        return string.concat('{"actions":{', actions, '},"sights":{', seen, "}}");
    }

    function _key(bytes32 name) private pure returns (string memory) {
        uint256 length = 0;
        while (length < 32 && name[length] != 0) ++length;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) text[i] = name[i];
        return string.concat('"', string(text), '":');
    }
}
