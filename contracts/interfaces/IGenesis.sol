// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IOrderRenderer } from "./IOrderRenderer.sol";
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
/// @param renderer Renders the orders' token URIs.
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
    IOrderRenderer renderer;
    address operationsTreasury;
    uint16 operationsShare;
    GenesisAsset[] assets;
    Allocation[] allocations;
}

/// @title IGenesis
/// @notice Creates the system, one contract a call, by anyone, from code and a plan whose hash it was deployed with.
/// One call for all seven would take more gas than some chains allow. No key decides anything, then or later: each
/// contract refers from its first moment to the addresses that the others have or will have, and no order can be opened
/// before the escrow, which comes last.
interface IGenesis {
    /// @notice Indicates hashes of code or a plan other than those that genesis was deployed for.
    error Genesis_NotThePlan(bytes32 planHash, bytes32 expected);
    /// @notice Indicates that the whole system exists.
    error Genesis_AlreadyDone();
    /// @notice Indicates other code than that of the contract whose turn it is, such as one that was created before.
    error Genesis_OutOfTurn(uint256 step, bytes32 codeHash, bytes32 expected);
    /// @notice Indicates a contract that could not be created.
    /// @param reason The data that its constructor reverted with; empty if it ran out of gas.
    error Genesis_CreationFailed(uint256 step, bytes reason);
    /// @notice Indicates a holder whose allocation did not arrive, or that is genesis or a contract of the protocol.
    error Genesis_InvalidAllocation(address holder, uint256 amount);
    /// @notice Indicates a contract that refers to another one than it should.
    error Genesis_Miswired(address target, bytes4 getter, address expected);

    /// @notice Emitted by each step.
    /// @param step From 1 to 7, in the order of {create}.
    event ContractCreated(uint256 indexed step, address created);

    /// @notice Emitted by the last step, once all references have been checked.
    event Created(System system);

    /// @notice keccak256(abi.encode(codeHashes, plan)).
    function PLAN_HASH() external view returns (bytes32);

    /// @notice Creates the contract whose turn it is: EmissionVault, TUReceiptOracle, NodeRegistry, RewardPool,
    /// BuybackBurnController, TFT and ComputeEscrow, in this order.
    ///
    /// @dev Emits {ContractCreated}, and {Created} for the last.
    ///
    /// Notes:
    /// - A call that fails leaves nothing, and can be made again.
    /// - The TFT's step checks reserve and allocations, the escrow's step checks every reference.
    ///
    /// @dev Warning: The escrow's constructor asks the governor for its delay and each asset for its decimals. A
    /// governor or an asset that changes these between two steps can prevent the last step for good, and so does a plan
    /// that the constructor refuses, such as a grace out of bounds. Try all steps before the first.
    ///
    /// Requirements:
    /// - The hashes of code and the plan are those of {PLAN_HASH}.
    /// - The code is that of the contract whose turn it is.
    ///
    /// @param code Creation code of the contract, without arguments.
    /// @param codeHashes keccak256 of the creation code of each of the seven.
    function create(bytes calldata code, bytes32[7] calldata codeHashes, Plan calldata plan) external returns (address);

    /// @notice Where the system is, or will be, under a governor.
    function system(address governor) external view returns (System memory);
}
