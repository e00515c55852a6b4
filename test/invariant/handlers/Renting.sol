// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import { IComputeEscrow, OpenParams, Permit } from "../../../contracts/interfaces/IComputeEscrow.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { World } from "../World.sol";

/// @notice Renters, and a gateway that pays for them: orders from opening to closing.
abstract contract Renting is World {
    bytes32 private constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    /// @dev Of the renters, the last is a contract, and the one before it an account with an EIP-7702 delegation.
    constructor() {
        vm.etch(_renter(RENTERS - 1), hex"00");
        vm.etch(_renter(RENTERS - 2), abi.encodePacked(hex"ef0100", STRANGER));
        for (uint256 i = 0; i < assets.length; ++i) {
            for (uint256 j = 0; j < RENTERS; ++j) _allow(_renter(j), assets[i]);
            _allow(GATEWAY, assets[i]);
        }
    }

    function _allow(address payer, address asset) private {
        vm.prank(payer);
        IERC20(asset).approve(address(escrow), type(uint256).max);
    }

    /* OPENING */

    function openJointOrder() internal action("open a joint order") {
        address renter = _renter(_draw(RENTERS));
        _open(renter, _jointOrder(_drawAsset(), renter));
    }

    function openNodeOrder() internal action("open an order on a node") {
        address renter = _renter(_draw(RENTERS));
        _open(renter, _nodeOrder(renter));
    }

    /// @dev A gateway pays, with a reference of its own, and has the refund promised to itself.
    function openForSomeoneElse() internal action("open an order for someone else") {
        address renter = _renter(_draw(RENTERS));
        OpenParams memory params = _draw(2) == 0 ? _jointOrder(_drawAsset(), renter) : _nodeOrder(renter);
        params.refundTo = _draw(4) == 0 ? address(0) : GATEWAY;
        params.paymentRef = bytes32(calls);
        _open(GATEWAY, params);
    }

    function openWithPermit() internal action("open an order with a permit") {
        _open(permitRenter, _draw(2) == 0 ? _jointOrder(_drawAsset(), permitRenter) : _nodeOrder(permitRenter));
    }

    /// @dev Two in one asset, the second out of what the first has left in the bank.
    function openSeveral() internal action("open several orders") {
        address renter = _renter(_draw(RENTERS));
        OpenParams[] memory all = new OpenParams[](2);
        all[0] = _draw(2) == 0 ? _jointOrder(_drawAsset(), renter) : _nodeOrder(renter);
        bytes4 reason = _reasonToRefuse(all[0]);
        if (reason == 0) _fund(all[0].asset, renter, _depositOf(all[0]));
        all[1] = _jointOrder(all[0].asset, renter);
        if (reason != 0) {
            return _refused(renter, address(escrow), abi.encodeCall(IComputeEscrow.openOrders, all), reason);
        }

        _fund(all[1].asset, renter, _depositOf(all[1]));
        vm.prank(renter);
        uint256[] memory orderIds = escrow.openOrders(all);
        for (uint256 i = 0; i < 2; ++i) _noteOrder(all[i], orderIds[i]);
    }

    function _depositOf(OpenParams memory params) private view returns (uint256) {
        return _deposit(params.tuAmount, _unitPriceOf(params));
    }

    function _unitPriceOf(OpenParams memory params) private view returns (uint256) {
        return params.nodeId == 0 ? params.maxUnitPrice : offers[params.nodeId][params.asset].unitPrice;
    }

    function _jointOrder(address asset, address renter) private returns (OpenParams memory params) {
        params = _order(asset, renter);
        params.tuAmount = uint96(_scaled(MOST_TU));
        if (_draw(2) == 0) {
            // a great order that is soon delivered, so that a campaign comes to the end of burning
            params.tuAmount = uint96(1e18 + _draw(4e18));
            params.maxUnitPrice = uint128((_most(asset) * TU) / params.tuAmount + 1);
            return params;
        }
        params.maxUnitPrice = uint128((_scaled(_most(asset)) * TU) / params.tuAmount);
        if (params.maxUnitPrice == 0 || _draw(8) == 0) params.maxUnitPrice = uint128(1 + _draw(10));
        if (_deposit(params.tuAmount, params.maxUnitPrice) > _most(asset)) params.maxUnitPrice = 1;
    }

    function _nodeOrder(address renter) private returns (OpenParams memory params) {
        Machine storage machine = _machine();
        address asset = _drawAsset();
        for (uint256 i = 0; i < 4 && !_isOffered(machine, asset); ++i) (machine, asset) = (_machine(), _drawAsset());
        Offer storage offer = offers[machine.id][asset];
        params = _order(asset, renter);
        params.nodeId = machine.id;
        params.maxUnitPrice = uint128(offer.unitPrice + _draw(2));
        uint256 most = offer.unitPrice == 0 ? MOST_TU : (_most(asset) * TU) / offer.unitPrice + 1;
        if (most > offer.capacity && _draw(16) != 0) most = offer.capacity;
        params.tuAmount = uint96(_scaled(most > MOST_TU || most == 0 ? MOST_TU : most));
    }

    function _isOffered(Machine storage machine, address asset) private view returns (bool) {
        return block.timestamp <= machine.attestedUntil && offers[machine.id][asset].unitPrice != 0;
    }

    function _order(address asset, address renter) internal returns (OpenParams memory params) {
        params.asset = asset;
        params.renter = renter;
        params.duration = uint40(1 hours + _scaled(_draw(24) == 0 ? 366 days - 1 hours : 6 days));
        params.reuse = _drawReuse();
    }

    /// @dev Mostly one of the last to be closed; else none, one of any age, an open one, or one that never was.
    function _drawReuse() private returns (uint256) {
        uint256 way = _draw(8);
        uint256 count = closed.length;
        if (way == 0 || count == 0) return 0;
        if (way == 1) return closed[_draw(count)];
        if (way == 2 && jobs.length != 0) return jobs[_draw(jobs.length)].id;
        uint256 recent = closed[count - 1 - _draw(count < 4 ? count : 4)];
        if (way == 3) return recent ^ (1 << (16 * _draw(3))); // of another generation, asset or place
        return recent;
    }

    function _deposit(uint256 tu, uint256 unitPrice) private pure returns (uint256) {
        return (tu * unitPrice + TU - 1) / TU;
    }

    function _open(address payer, OpenParams memory params) internal {
        bytes4 reason = _reasonToRefuse(params);
        if (reason != 0)
            return _refused(payer, address(escrow), abi.encodeCall(IComputeEscrow.openOrder, params), reason);

        uint256 deposit = _depositOf(params);
        _fund(params.asset, payer, deposit);
        uint256 highest = _deposit(params.tuAmount, params.maxUnitPrice);
        _noteOrder(params, payer == permitRenter ? _callWithPermit(params, highest) : _call(payer, params));
    }

    function _noteOrder(OpenParams memory params, uint256 orderId) private {
        Offer storage offer = offers[params.nodeId][params.asset];
        uint256 unitPrice = _unitPriceOf(params);
        uint256 deposit = _depositOf(params);
        require(orderId == _nextId(params.asset, params.reuse), "an order's id is the next of the place it takes");
        require(!isGiven[orderId], "no order's id is given twice");
        isGiven[orderId] = true;
        latestIn[orderId >> 32] = orderId;
        if (params.nodeId != 0) offer.capacity -= params.tuAmount;
        books[params.asset].paidIn += deposit;
        jobs.push();
        placeOf[orderId] = jobs.length;
        Job storage job = jobs[jobs.length - 1];
        (job.id, job.asset, job.holder, job.refundTo) = (orderId, params.asset, params.renter, params.refundTo);
        (job.nodeId, job.unitPrice, job.tu, job.deposit) = (params.nodeId, unitPrice, params.tuAmount, deposit);
        (job.startedAt, job.endsAt) = (block.timestamp, block.timestamp + params.duration);
    }

    /// @dev place << 32 | asset << 16 | generation, in the place of the closed order that is named, or in a new one.
    function _nextId(address asset, uint256 reuse) private returns (uint256) {
        uint256 index =
            asset == address(tft)
                ? 1
                : asset == address(usd)
                    ? 2
                    : 3;
        if (isGiven[reuse] && placeOf[reuse] == 0 && latestIn[reuse >> 32] == reuse) {
            _saw(_assetOf(reuse) == asset ? bytes32("took a place over") : bytes32("took over another asset's place"));
            return ((reuse >> 32) << 32) + (index << 16) + (reuse % 2 ** 16) + 1;
        }
        if (reuse != 0) {
            _saw(
                !isGiven[reuse]
                    ? bytes32("reused an order never given")
                    : placeOf[reuse] == 0
                        ? bytes32("reused a place taken over")
                        : bytes32("reused an open order")
            );
        }
        return (((index << 40) + ++placesOf[asset]) << 32) + (index << 16) + 1;
    }

    function _call(address payer, OpenParams memory params) private returns (uint256 orderId) {
        vm.prank(payer);
        uint256 gasBefore = gasleft();
        orderId = escrow.openOrder(params);
        _bounded(gasBefore, 400_000);
    }

    function _callWithPermit(OpenParams memory params, uint256 deposit) private returns (uint256) {
        IERC20Permit token = IERC20Permit(params.asset);
        uint256 nonce = token.nonces(permitRenter);
        bytes32 structHash = keccak256(
            abi.encode(PERMIT_TYPEHASH, permitRenter, address(escrow), deposit, nonce, block.timestamp)
        );
        (uint8 v, bytes32 r, bytes32 s) = _signWith(
            PERMIT_KEY,
            keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash))
        );
        vm.prank(permitRenter);
        return escrow.openOrderWithPermit(params, Permit(block.timestamp, v, r, s));
    }

    function _reasonToRefuse(OpenParams memory params) private view returns (bytes4) {
        if (isDelisted[params.asset]) return IComputeEscrow.Escrow_AssetNotListed.selector;
        if (_isFrozen()) return IComputeEscrow.Escrow_Frozen.selector;
        if (params.nodeId == 0) return 0;
        if (block.timestamp > machines[machineOf[params.nodeId] - 1].attestedUntil) {
            return INodeRegistry.Registry_NotAttested.selector;
        }
        Offer storage offer = offers[params.nodeId][params.asset];
        if (offer.unitPrice == 0) return INodeRegistry.Registry_NotOffered.selector;
        if (params.tuAmount > offer.capacity) return INodeRegistry.Registry_CapacityExceeded.selector;
        return 0;
    }

    /* HOLDING */

    function transferOrder() internal action("transfer an order") {
        if (jobs.length == 0) return _idle();
        Job storage job = jobs[_draw(jobs.length)];
        if (job.refundTo != address(0)) job = jobs[_draw(jobs.length)];
        address to = _renter(_draw(RENTERS));
        if (job.refundTo != address(0)) {
            return
                _refused(
                    job.holder,
                    address(escrow),
                    abi.encodeWithSelector(0x23b872dd, job.holder, to, job.id), // transferFrom
                    IComputeEscrow.Escrow_NotTransferable.selector
                );
        }
        vm.prank(job.holder);
        escrow.transferFrom(job.holder, to, job.id);
        job.holder = to;
    }

    function stop() internal action("stop an order") {
        if (jobs.length == 0) return _idle();
        Job storage job = jobs[_draw(jobs.length)];
        for (uint256 i = 0; i < 6 && job.endsAt <= block.timestamp; ++i) job = jobs[_draw(jobs.length)];
        bytes memory call_ = abi.encodeCall(IComputeEscrow.stop, job.id);
        if (_draw(16) == 0) {
            return _refused(STRANGER, address(escrow), call_, IComputeEscrow.Escrow_NotHolder.selector);
        }
        if (job.endsAt <= block.timestamp) {
            return _refused(job.holder, address(escrow), call_, IComputeEscrow.Escrow_OrderEnded.selector);
        }
        vm.prank(job.holder);
        escrow.stop(job.id);
        job.endsAt = block.timestamp;
    }

    /* CLOSING */

    /// @dev Of a few orders those whose time has come; so many that as many close as are opened.
    function close() internal action("close orders") {
        uint256 closed = 0;
        uint256 place = 0;
        for (uint256 i = 0; i < 12 && jobs.length != 0; ++i) {
            place = _draw(jobs.length);
            if (block.timestamp < _closableFrom(jobs[place])) continue;
            _close(place);
            ++closed;
        }
        if (closed != 0) return;
        if (jobs.length == 0) return _idle();

        bytes memory call_ = abi.encodeCall(IComputeEscrow.close, jobs[place].id);
        _refused(STRANGER, address(escrow), call_, IComputeEscrow.Escrow_TooEarly.selector);
    }

    function _close(uint256 place) private {
        Job storage job = jobs[place];
        address payee = job.refundTo == address(0) ? job.holder : job.refundTo;
        uint256 refund = job.deposit - job.earned;
        uint256 before = _balance(job.asset, payee);
        bool isOwnMatter = job.refundTo == address(0) && job.holder == _renter(RENTERS - 1);
        if (isOwnMatter) {
            bytes memory call_ = abi.encodeCall(IComputeEscrow.close, job.id);
            _refusedBeside(STRANGER, address(escrow), call_, IComputeEscrow.Escrow_NotHolder.selector);
            _saw("closed by its holder alone");
        }
        vm.prank(isOwnMatter ? job.holder : STRANGER);
        uint256 gasBefore = gasleft();
        escrow.close(job.id);
        _bounded(gasBefore, 150_000);
        require(_balance(job.asset, payee) == before + refund, "5: a refund is the deposit less what was earned");

        _sawClosing(job);
        if (job.asset == address(tft)) {
            vm.prank(payee);
            tft.transfer(BANK, refund);
        }
        books[job.asset].refunded += refund;
        _forget(place);
    }

    function _closableFrom(Job storage job) private view returns (uint256) {
        if (job.settled == job.tu) return 0;
        uint256 hold = lastVetoAt > lastRotationAt ? lastVetoAt : lastRotationAt;
        if (hold > job.endsAt + MAX_HOLD) hold = job.endsAt + MAX_HOLD;
        uint256 from = (job.endsAt > hold ? job.endsAt : hold) + GRACE;
        if (freezes.length == 0) return from;
        Freeze storage latest = freezes[freezes.length - 1];
        return latest.startedAt < from && latest.endsAt + GRACE > from ? latest.endsAt + GRACE : from;
    }

    function _sawClosing(Job storage job) private {
        if (job.settled == 0) _saw("closed with nothing delivered");
        else if (job.settled < job.tu) _saw("closed with a part delivered");
        else if (block.timestamp < job.endsAt) _saw("closed early, fully delivered");
        if (job.nodeId == 0 && job.settled != 0) _saw("closed a joint order worked on");
        if (_isFrozen()) _saw("closed while frozen");
        if (job.settled == job.tu) return;
        if (lastVetoAt > job.endsAt) _saw("closed after a veto held it up");
        if (lastRotationAt > job.endsAt) _saw("closed after a rotation");
    }

    function _forget(uint256 place) private {
        closed.push(jobs[place].id);
        delete placeOf[jobs[place].id];
        uint256 last = jobs.length - 1;
        if (place != last) {
            jobs[place] = jobs[last];
            placeOf[jobs[place].id] = place + 1;
        }
        jobs.pop();
    }
}
