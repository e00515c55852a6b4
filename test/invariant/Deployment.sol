// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { IBuybackBurnController } from "../../contracts/interfaces/IBuybackBurnController.sol";
import { IComputeEscrow } from "../../contracts/interfaces/IComputeEscrow.sol";
import { IEmissionVault } from "../../contracts/interfaces/IEmissionVault.sol";
import { GenesisAsset, IGenesis, Plan, System } from "../../contracts/interfaces/IGenesis.sol";
import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { IOrderRenderer } from "../../contracts/interfaces/IOrderRenderer.sol";
import { IRewardPool } from "../../contracts/interfaces/IRewardPool.sol";
import { Allocation, ITFT } from "../../contracts/interfaces/ITFT.sol";
import { ITUReceiptOracle } from "../../contracts/interfaces/ITUReceiptOracle.sol";
import { TestToken } from "../../contracts/mocks/TestToken.sol";
import { Wallet } from "./Wallet.sol";

/// @notice The system as it ships: the bytecode that Hardhat built, created by Genesis at the addresses it predicts,
/// under OpenZeppelin's timelock. Times are the protocol's defaults.
abstract contract Deployment {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant EPOCH_LENGTH = 1 days;
    uint256 internal constant AUCTION_PERIOD = 1 days;
    uint256 internal constant VETO_WINDOW = 6 hours;
    uint256 internal constant GRACE = 3 days;
    uint256 internal constant DELAY = 2 days;

    uint16 internal constant FIRST_SHARE = 1_000;
    uint256 internal constant FIRST_REFERENCE = 20e18;
    uint256 internal constant SIGNERS = 8;
    uint256 internal constant WALLETS = 6;
    uint256 internal constant FIRST_SIGNERS = 4;
    uint256 internal constant FIRST_QUORUM = 3;

    /// @dev Of secp256k1.
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant GENERATOR_X = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;

    address internal constant ADMIN = address(0xad);
    address internal constant FIRST_GUARDIAN = address(0x9a1);
    address internal constant TREASURY = address(0x7e1);

    /// @dev Holds all TFT that are nobody's for now: what renters and bidders pay with comes from here, what miners and
    /// the treasuries have received is sold to it.
    address internal constant BANK = address(0xba);

    ITFT internal immutable tft;
    IEmissionVault internal immutable vault;
    ITUReceiptOracle internal immutable oracle;
    INodeRegistry internal immutable registry;
    IRewardPool internal immutable pool;
    IBuybackBurnController internal immutable controller;
    IComputeEscrow internal immutable escrow;
    address internal immutable timelock;

    /// @dev Stablecoins of 6 and of 18 decimals.
    TestToken internal immutable usd;
    TestToken internal immutable dai;

    /// @dev Of all who ever sign, in ascending order of address; the first of them are the first signers.
    uint256[SIGNERS] internal signerKeys;
    address[SIGNERS] internal signerAddresses;

    constructor() {
        vm.warp(1_800_000_000);
        usd = new TestToken("USD Stablecoin", "USD", 6);
        dai = new TestToken("DAI Stablecoin", "DAI", 18);
        _sortSigners();

        address[] memory admins = new address[](1);
        admins[0] = ADMIN;
        timelock = _create(
            "@openzeppelin/contracts/governance/TimelockController.sol/TimelockController",
            abi.encode(DELAY, admins, admins, address(0))
        );

        bytes[7] memory codes = _codes();
        bytes32[7] memory codeHashes;
        for (uint256 i = 0; i < 7; ++i) codeHashes[i] = keccak256(codes[i]);
        IOrderRenderer renderer = IOrderRenderer(_create("contracts/periphery/OrderRenderer.sol/OrderRenderer", ""));
        Plan memory plan = _plan(timelock, renderer);
        IGenesis genesis = IGenesis(_create("contracts/Genesis.sol/Genesis", abi.encode(codeHashes, plan)));
        for (uint256 i = 0; i < 7; ++i) genesis.create(codes[i], codeHashes, plan);
        System memory system = genesis.system(timelock);

        tft = ITFT(system.tft);
        vault = IEmissionVault(system.vault);
        oracle = ITUReceiptOracle(system.oracle);
        registry = INodeRegistry(system.registry);
        pool = IRewardPool(system.pool);
        controller = IBuybackBurnController(system.controller);
        escrow = IComputeEscrow(system.escrow);
    }

    function _codes() private view returns (bytes[7] memory codes) {
        codes[0] = _code("contracts/EmissionVault.sol/EmissionVault");
        codes[1] = _code("contracts/TUReceiptOracle.sol/TUReceiptOracle");
        codes[2] = _code("contracts/NodeRegistry.sol/NodeRegistry");
        codes[3] = _code("contracts/RewardPool.sol/RewardPool");
        codes[4] = _code("contracts/BuybackBurnController.sol/BuybackBurnController");
        codes[5] = _code("contracts/TFT.sol/TFT");
        codes[6] = _code("contracts/ComputeEscrow.sol/ComputeEscrow");
    }

    function _plan(address governor, IOrderRenderer renderer) private view returns (Plan memory plan) {
        plan.governor = governor;
        plan.guardian = FIRST_GUARDIAN;
        plan.signers = _signers(0, FIRST_SIGNERS);
        plan.quorum = FIRST_QUORUM;
        plan.epochLength = uint40(EPOCH_LENGTH);
        plan.auctionPeriod = uint40(AUCTION_PERIOD);
        plan.vetoWindow = uint40(VETO_WINDOW);
        plan.grace = uint40(GRACE);
        plan.renderer = renderer;
        plan.operationsTreasury = TREASURY;
        plan.operationsShare = FIRST_SHARE;
        plan.assets = new GenesisAsset[](2);
        plan.assets[0] = GenesisAsset(address(usd), FIRST_REFERENCE);
        plan.assets[1] = GenesisAsset(address(dai), FIRST_REFERENCE);
        plan.allocations = new Allocation[](1);
        plan.allocations[0] = Allocation(BANK, 650_000_000e18);
    }

    /// @dev Of `count` signers from the `first` on, in ascending order.
    function _signers(uint256 first, uint256 count) internal view returns (address[] memory signers) {
        signers = new address[](count);
        for (uint256 i = 0; i < count; ++i) signers[i] = signerAddresses[first + i];
    }

    /// @dev ECDSA with the nonce 1, whose point is the generator: one multiplication, where {Vm-sign} multiplies the curve's
    /// points. Whoever sees it can compute the key, so this is for keys of tests alone; it verifies as any signature does.
    function _signWith(uint256 key, bytes32 digest) internal pure returns (uint8 v, bytes32 r, bytes32 s) {
        uint256 sum = addmod(uint256(digest), mulmod(GENERATOR_X, key, CURVE_ORDER), CURVE_ORDER);
        bool isHigh = sum > CURVE_ORDER / 2;
        return (isHigh ? 28 : 27, bytes32(GENERATOR_X), bytes32(isHigh ? CURVE_ORDER - sum : sum));
    }

    function _sortSigners() private {
        for (uint256 i = 0; i < SIGNERS; ++i) {
            uint256 key = i < WALLETS ? 0 : uint256(keccak256(abi.encode("signer", i)));
            address signer = key == 0 ? address(new Wallet()) : vm.addr(key);
            uint256 place = i;
            for (; place > 0 && signerAddresses[place - 1] > signer; --place) {
                (signerKeys[place], signerAddresses[place]) = (signerKeys[place - 1], signerAddresses[place - 1]);
            }
            (signerKeys[place], signerAddresses[place]) = (key, signer);
        }
    }

    function _code(string memory artifact) private view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(string.concat("artifacts/", artifact, ".json")), ".bytecode");
    }

    function _create(string memory artifact, bytes memory arguments) private returns (address created) {
        bytes memory initCode = bytes.concat(_code(artifact), arguments);
        assembly ("memory-safe") {
            created := create(0, add(initCode, 0x20), mload(initCode))
        }
        require(created != address(0), string.concat(artifact, " could not be created"));
    }
}
