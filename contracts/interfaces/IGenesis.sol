// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Allocation } from "./ITFT.sol";

/// @notice Who is who: the governor and the seven contracts. Each takes from it what it refers to, for good.
struct System {
    address governor;
    address tft;
    address vault;
    address oracle;
    address registry;
    address pool;
    address controller;
    address escrow;
}

/// @notice An asset listed from the start.
/// @param referencePrice TFT (18 decimals) per whole unit.
struct GenesisAsset {
    address asset;
    uint256 referencePrice;
}

/// @notice Everything that genesis decides.
/// @param governor The timelock.
/// @param guardian Who can veto and freeze.
/// @param signers,quorum The oracle's first signers, in ascending order, and how many of them must sign.
/// @param epochLength,auctionPeriod,vetoWindow,grace Seconds.
/// @param operationsTreasury Where operations are paid.
/// @param operationsShare Basis points of each release.
/// @param assets Listed from the start; TFT always is.
/// @param allocations The 650 M TFT outside the reserve.
struct Plan {
    address governor;
    address guardian;
    address[] signers;
    uint256 quorum;
    uint40 epochLength;
    uint40 auctionPeriod;
    uint40 vetoWindow;
    uint40 grace;
    address operationsTreasury;
    uint16 operationsShare;
    GenesisAsset[] assets;
    Allocation[] allocations;
}

/// @title IGenesis
/// @notice Creates the whole system in one call, by anyone, from code and a plan whose hash it was deployed with.
/// There is no moment at which a part of it exists without the rest, and no key afterwards.
interface IGenesis {
    /// @notice Indicates code or a plan other than the one that genesis was deployed for.
    error Genesis_NotThePlan(bytes32 planHash, bytes32 expected);
    /// @notice Indicates that the system exists.
    error Genesis_AlreadyDone();
    /// @notice Indicates a contract that could not be created, by its place in {create}.
    error Genesis_CreationFailed(uint256 index);
    /// @notice Indicates a holder whose allocation did not arrive, or that is genesis or a contract of the protocol.
    error Genesis_InvalidAllocation(address holder, uint256 amount);
    /// @notice Indicates a contract that refers to another one than it should.
    error Genesis_Miswired(address target, bytes4 getter, address expected);

    /// @notice Emitted once, when the system has been created.
    event Created(System system);

    /// @notice keccak256(abi.encode(keccak256(abi.encode(codes)), plan)).
    function PLAN_HASH() external view returns (bytes32);

    /// @notice Creates the seven contracts, wired for good, and checks reserve, allocations and wiring.
    ///
    /// @dev Emits {Created}. Fails as a whole or not at all.
    ///
    /// Requirements:
    /// - Code and plan are those of {PLAN_HASH}; nothing was created before.
    ///
    /// @param codes Creation code, without arguments, of TFT, EmissionVault, TUReceiptOracle, NodeRegistry, RewardPool,
    /// BuybackBurnController and ComputeEscrow.
    function create(bytes[7] calldata codes, Plan calldata plan) external returns (System memory);

    /// @notice Where the system is, or will be, under a governor.
    function system(address governor) external view returns (System memory);
}
