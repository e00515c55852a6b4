// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import { Vm } from "forge-std/Vm.sol";

import { IComputeEscrow, OpenParams } from "../../contracts/interfaces/IComputeEscrow.sol";
import { PlainOrders, Receiver } from "./PlainOrders.sol";
import { World } from "./World.sol";

/// @notice Random calls of ERC-721 to the escrow and to OpenZeppelin's ERC721, which must do, answer, emit and refuse the
/// same. Two refusals are the escrow's own: of itself as the receiver, and of an order whose refund is promised.
contract TransfersTest is World {
    bytes4 private constant SAFE = bytes4(keccak256("safeTransferFrom(address,address,uint256)"));
    bytes4 private constant SAFE_WITH_DATA = bytes4(keccak256("safeTransferFrom(address,address,uint256,bytes)"));

    bytes4 private constant WITHOUT_REASON = bytes4(uint32(1));

    uint256 private constant MOST_OPEN = 24;

    PlainOrders private plain;

    address[] private people; // three with keys, five that receive in their own manner, one that has no hook
    uint256[] private held;
    mapping(uint256 id => address) private refundTo;
    mapping(uint256 id => uint256) private formerOf; // whose place an order has taken over
    mapping(uint256 id => address) private holderBefore; // of a closed order
    mapping(uint256 id => address) private approvedBefore;

    function setUp() external {
        plain = new PlainOrders();
        for (uint256 i = 0; i < 3; ++i) people.push(_renter(i));
        for (uint256 i = 0; i < 5; ++i) people.push(address(new Receiver(Receiver.Manner(i), people[0])));
        people.push(address(0x1207));
        vm.etch(people[8], hex"00");
        for (uint256 i = 1; i < 3; ++i) {
            _fund(assets[i], address(this), 2 ** 100);
            IERC721(assets[i]).approve(address(escrow), 2 ** 100); // which is an ERC-20's approve as well
        }
    }

    function test_ordersMoveAsPlainTokensDo() external {
        _shuffle(vm.envUint("TRANSFERS_SEED"));
        uint256 count = vm.envUint("TRANSFERS_CALLS");
        vm.recordLogs();
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        while (calls < count) {
            ++calls;
            uint256 way = _draw(32);
            if (way < 3) _open();
            else if (way < 5) _close();
            else if (way < 12) _approve();
            else if (way < 14) _approveForAll();
            else _transfer();
            assembly ("memory-safe") {
                mstore(0x40, free)
            }
        }
        string memory report = vm.envString("TRANSFERS_REPORT");
        for (uint256 i = 0; i < sightNames.length; ++i) {
            bytes32 name = sightNames[i];
            vm.writeLine(report, string.concat(vm.toString(sights[name]), " ", _text(name)));
        }
    }

    /* OPENING AND CLOSING */

    function _open() private {
        if (held.length >= MOST_OPEN) return _close();
        OpenParams memory params;
        params.asset = assets[1 + _draw(2)];
        (params.tuAmount, params.maxUnitPrice, params.duration) = (1e18, 1, 1 hours);
        params.renter = _draw(16) == 0 ? _nobody() : people[_draw(9)];
        if (_draw(4) == 0) params.refundTo = people[_draw(9)];
        uint256 reuse = closed.length == 0 || _draw(4) == 0 ? 0 : closed[closed.length - 1 - _draw(_recent(4))];
        params.reuse = reuse;

        (bool isDone, bytes memory answer) = address(escrow).call(abi.encodeCall(IComputeEscrow.openOrder, params));
        bytes32 logs = _logs(address(escrow));
        if (params.renter == address(escrow)) return _requireOwnRefusal(isDone, answer, _invalidReceiver());
        uint256 id = isDone ? abi.decode(answer, (uint256)) : type(uint256).max;
        (bool isMinted, bytes memory minted) = address(plain).call(abi.encodeCall(plain.mint, (params.renter, id)));
        require(isMinted == isDone && logs == _logs(address(plain)), "an order comes into being as a token does");
        require(isDone || keccak256(answer) == keccak256(minted), "an order is refused as a token is");
        if (!isDone) return;

        held.push(id);
        refundTo[id] = params.refundTo;
        if (id >> 32 == reuse >> 32) formerOf[id] = reuse;
        _compareAbout(id, params.renter, params.refundTo);
    }

    /// @dev A holder with code may refuse to have its order closed by others than those it has allowed.
    function _close() private {
        uint256 id = held.length == 0 || _draw(16) == 0 ? _drawId() : held[_draw(held.length)];
        address holder = _ownerOf(id);
        address caller = _drawCaller(id);
        if (holder == address(0)) return _refuseToClose(id, caller);

        (, uint40 from) = escrow.refundable(id);
        if (block.timestamp < from) vm.warp(from);
        address approved = plain.getApproved(id);
        bool isAllowed = holder.code.length == 0 || refundTo[id] != address(0) || _isAllowed(caller, id);
        vm.prank(caller);
        (bool isDone, bytes memory answer) = address(escrow).call(abi.encodeCall(IComputeEscrow.close, id));
        bytes32 logs = _logs(address(escrow));
        if (!isAllowed) {
            bytes memory reason = abi.encodeWithSelector(IComputeEscrow.Escrow_NotHolder.selector, id, caller);
            return _requireOwnRefusal(isDone, answer, reason);
        }
        plain.burn(id);
        require(isDone && logs == _logs(address(plain)), "an order ends as a token does");

        (holderBefore[id], approvedBefore[id]) = (holder, approved);
        closed.push(id);
        for (uint256 i = 0; i < held.length; ++i) if (held[i] == id) held[i] = held[held.length - 1];
        held.pop();
        _compareAbout(id, holder, approved);
    }

    function _refuseToClose(uint256 id, address caller) private {
        vm.prank(caller);
        (bool isDone, bytes memory answer) = address(escrow).call(abi.encodeCall(IComputeEscrow.close, id));
        _requireOwnRefusal(isDone, answer, abi.encodeWithSelector(IComputeEscrow.Escrow_UnknownOrder.selector, id));
    }

    /* MOVING */

    function _approve() private {
        uint256 id = _drawId();
        address to = _drawReceiver();
        _compare(_drawCaller(id), abi.encodeCall(IERC721.approve, (to, id)));
        _compareAbout(id, to, address(0));
    }

    function _approveForAll() private {
        (address owner, address operator) = (people[_draw(9)], _drawReceiver());
        _compare(owner, abi.encodeCall(IERC721.setApprovalForAll, (operator, _draw(3) == 0)));
        _compareViews(abi.encodeCall(IERC721.isApprovedForAll, (owner, operator)));
    }

    function _transfer() private {
        uint256 id = _drawId();
        address caller = _drawCaller(id);
        address owner = _ownerOf(id);
        // a closed order's is the zero address
        address from = _draw(8) == 0 ? people[_draw(9)] : owner;
        if (owner == address(0) && _draw(4) == 0) from = holderBefore[id];
        address to = _draw(12) == 0 ? from : _drawReceiver();
        uint256 way = _draw(3);
        bytes memory call_ =
            way == 0
                ? abi.encodeCall(IERC721.transferFrom, (from, to, id))
                : way == 1
                    ? abi.encodeWithSelector(SAFE, from, to, id)
                    : abi.encodeWithSelector(SAFE_WITH_DATA, from, to, id, abi.encode(calls));

        _sawTrying(caller, owner, id);
        bool isOwnRefusal = to == address(escrow) || (refundTo[id] != address(0) && owner != address(0));
        if (isOwnRefusal && to != address(0) && _isAllowed(caller, id)) {
            bytes memory reason =
                to == address(escrow)
                    ? _invalidReceiver()
                    : abi.encodeWithSelector(IComputeEscrow.Escrow_NotTransferable.selector, id, refundTo[id]);
            vm.prank(caller);
            (bool isMoved, bytes memory answer) = address(escrow).call(call_);
            _requireOwnRefusal(isMoved, answer, reason);
        } else {
            _sawMoving(_compare(caller, call_), caller, owner, from, to, id);
        }
        _compareAbout(id, from, to);
    }

    function _sawTrying(address caller, address owner, uint256 id) private {
        if (owner == address(0) && approvedBefore[id] == caller) _saw("old approval, old order");
        if (owner != address(0) && approvedBefore[formerOf[id]] == caller) _saw("old approval, new order");
        if (owner != address(0) && holderBefore[formerOf[id]] == caller) _saw("old holder, new order");
    }

    function _sawMoving(bytes4 refusal, address caller, address owner, address from, address to, uint256 id) private {
        if (refusal != 0) {
            bytes4[6] memory known = [
                IERC721Errors.ERC721NonexistentToken.selector,
                IERC721Errors.ERC721InsufficientApproval.selector,
                IERC721Errors.ERC721IncorrectOwner.selector,
                IERC721Errors.ERC721InvalidReceiver.selector,
                Receiver.Unwanted.selector,
                WITHOUT_REASON
            ];
            bytes32[6] memory sightOf = [
                bytes32("refused: no such order"),
                "refused: not approved",
                "refused: not its owner",
                "refused: receiver",
                "refused: by the receiver",
                "refused without a reason"
            ];
            for (uint256 i = 0; i < 6; ++i) if (refusal == known[i]) _saw(sightOf[i]);
            return;
        }
        if (from == to) _saw("moved to its owner");
        else if (to == people[7] && _ownerOf(id) != to) _saw("moved and passed on");
        if (caller == owner) _saw("moved by its owner");
        else if (plain.isApprovedForAll(owner, caller)) _saw("moved by an operator");
        else _saw("moved by who was approved");
        if (formerOf[id] != 0) _saw("moved in a place taken over");
    }

    /* DRAWING */

    function _recent(uint256 most) private view returns (uint256) {
        return closed.length < most ? closed.length : most;
    }

    /// @dev Mostly an order that is open, or one whose place such an order has; else one closed, or one that never was.
    function _drawId() private returns (uint256) {
        uint256 way = _draw(16);
        if (way == 0) return _draw(2) == 0 ? _draw(3) << 32 : type(uint256).max;
        if (way < 4 && closed.length != 0) return closed[closed.length - 1 - _draw(_recent(16))];
        if (held.length == 0) return 0;
        uint256 id = held[_draw(held.length)];
        if (way == 4) return id + 1;
        if (way == 5) return id ^ (1 << 16); // in another asset
        return way < 8 ? formerOf[id] : id;
    }

    /// @dev Mostly who may, or who might on an order that is closed.
    function _drawCaller(uint256 id) private returns (address caller) {
        uint256 way = _draw(8);
        address owner = _ownerOf(id);
        if (way < 3) caller = owner == address(0) ? holderBefore[id] : owner;
        else if (way < 5) caller = owner == address(0) ? approvedBefore[id] : plain.getApproved(id);
        else if (way == 5) caller = _draw(2) == 0 ? approvedBefore[formerOf[id]] : holderBefore[formerOf[id]];
        if (caller == address(0)) caller = way == 6 ? STRANGER : people[_draw(9)];
    }

    function _drawReceiver() private returns (address) {
        return _draw(10) == 0 ? _nobody() : people[_draw(9)];
    }

    function _nobody() private returns (address) {
        return _draw(2) == 0 ? address(0) : address(escrow);
    }

    /* COMPARING */

    /// @return refusal The error that both have refused with; 0 if they have done it.
    function _compare(address caller, bytes memory call_) private returns (bytes4 refusal) {
        vm.prank(caller);
        (bool isDone, bytes memory answer) = address(escrow).call(call_);
        bytes32 logs = _logs(address(escrow));
        vm.prank(caller);
        (bool isPlainDone, bytes memory plainAnswer) = address(plain).call(call_);
        bytes32 plainLogs = _logs(address(plain));
        if (isDone != isPlainDone) _part(isDone ? "done by the escrow alone" : "refused by the escrow alone", call_);
        if (keccak256(answer) != keccak256(plainAnswer)) _part("answered otherwise", call_);
        if (logs != plainLogs) _part("emitted otherwise", call_);
        return
            isDone
                ? bytes4(0)
                : answer.length == 0
                    ? WITHOUT_REASON
                    : bytes4(answer);
    }

    function _compareViews(bytes memory call_) private view {
        (bool isDone, bytes memory answer) = address(escrow).staticcall(call_);
        (bool isPlainDone, bytes memory plainAnswer) = address(plain).staticcall(call_);
        if (isDone != isPlainDone || keccak256(answer) != keccak256(plainAnswer)) _part("seen otherwise", call_);
    }

    function _part(string memory how, bytes memory call_) private view {
        revert(string.concat(how, ", at call ", vm.toString(calls), ": ", vm.toString(call_)));
    }

    /// @dev An order, what its place held before, another one, and who has to do with it.
    function _compareAbout(uint256 id, address someone, address other) private {
        uint256[3] memory ids = [id, formerOf[id], _drawId()];
        for (uint256 i = 0; i < 3; ++i) {
            _compareViews(abi.encodeCall(IERC721.ownerOf, ids[i]));
            _compareViews(abi.encodeCall(IERC721.getApproved, ids[i]));
        }
        address[3] memory all = [someone, other, people[_draw(9)]];
        for (uint256 i = 0; i < 3; ++i) _compareViews(abi.encodeCall(IERC721.balanceOf, all[i]));
        _compareViews(abi.encodeCall(IERC721.isApprovedForAll, (someone, all[2])));
    }

    function _requireOwnRefusal(bool isDone, bytes memory answer, bytes memory reason) private {
        if (isDone || keccak256(answer) != keccak256(reason)) _part("not refused as the escrow does", answer);
        _logs(address(escrow));
        bytes4 error_ = bytes4(reason);
        if (error_ == IComputeEscrow.Escrow_NotTransferable.selector) _saw("refused: refund promised");
        else if (error_ == IComputeEscrow.Escrow_NotHolder.selector) _saw("refused: closing another's");
        else if (error_ == IComputeEscrow.Escrow_UnknownOrder.selector) _saw("refused: closing none");
        else _saw("refused: the escrow itself");
    }

    function _invalidReceiver() private view returns (bytes memory) {
        return abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(escrow));
    }

    function _ownerOf(uint256 id) private view returns (address) {
        try plain.ownerOf(id) returns (address owner) {
            return owner;
        } catch {
            return address(0);
        }
    }

    function _isAllowed(address caller, uint256 id) private view returns (bool) {
        address owner = _ownerOf(id);
        if (owner == address(0)) return false;
        return caller == owner || plain.isApprovedForAll(owner, caller) || plain.getApproved(id) == caller;
    }

    /// @dev The events of ERC-721 that one of the two has emitted since the last call of this, in their order.
    function _logs(address emitter) private returns (bytes32 logs) {
        Vm.Log[] memory all = vm.getRecordedLogs();
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i].emitter != emitter) continue;
            bytes32 topic = all[i].topics[0];
            bool isTheirs =
                topic == IERC721.Transfer.selector ||
                    topic == IERC721.Approval.selector ||
                    topic == IERC721.ApprovalForAll.selector;
            if (isTheirs) logs = keccak256(abi.encode(logs, all[i].topics, all[i].data));
        }
    }

    function _text(bytes32 name) private pure returns (string memory) {
        uint256 length = 0;
        while (length < 32 && name[length] != 0) ++length;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) text[i] = name[i];
        return string(text);
    }
}
