// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { EmissionVault } from "contracts/EmissionVault.sol";
import { System } from "contracts/interfaces/IGenesis.sol";
import { VaultTokens } from "formal/VaultTokens.sol";

/// @title EmissionVaultProperties
/// @notice An invariant of the shipped vault by induction: it holds once the vault is deployed, and each call of anyone
/// and each burn or donation keeps it, whatever the state before.
/// @custom:security-contact security@turingfog.example
contract EmissionVaultProperties is EmissionVault {
    /// @notice With the reserve that genesis mints to it the vault has released nothing and holds all.
    constructor(
        System memory system,
        address treasury,
        uint16 share,
        uint256 minted
    ) EmissionVault(system, treasury, share) VaultTokens(minted) {
        assert(_holds() && released() == 0 && held >= RESERVE);
    }

    /// @notice A release keeps: released at most 80 % of burned and at most the reserve; paid and owed sum to it; the
    /// vault holds the rest of the reserve and what it owes.
    function releaseKeepsTheInvariant() public {
        require(_holds());
        release();
        assert(_holds());
    }

    /// @notice Paying operations keeps the same.
    function payOperationsKeepsTheInvariant() public {
        require(_holds());
        payOperations();
        assert(_holds());
    }

    /// @notice Setting operations keeps the same.
    function setOperationsKeepsTheInvariant(address treasury, uint16 share) public {
        require(_holds());
        setOperations(treasury, share);
        assert(_holds());
    }

    /// @notice Burning keeps the same.
    function burningKeepsTheInvariant(uint256 amount) public {
        require(_holds());
        _burnMore(amount);
        assert(_holds());
    }

    /// @notice A donation keeps the same, and changes no figure of the vault.
    function donationKeepsTheInvariant(uint256 amount) public {
        require(_holds());
        uint256 before = released();
        _donate(amount);
        assert(_holds() && released() == before);
    }

    /// @notice A release reaches min(RESERVE, ⌊0.8 · burned⌋) exactly.
    function releaseIsExact() public {
        require(_holds());
        release();
        assert(released() == (burned * 4) / 5 || (released() == RESERVE && burned * 4 >= RESERVE * 5));
    }

    /// @notice The vault always holds what a release pays.
    function releaseIsCovered() public {
        require(_holds() && !uncovered);
        release();
        assert(!uncovered);
    }

    /// @notice The vault always holds what operations are owed.
    function payOperationsIsCovered() public {
        require(_holds() && !uncovered);
        payOperations();
        assert(!uncovered);
    }

    /// @notice Nothing ever lowers what was released.
    function releaseNeverTakesBack() public {
        require(_holds());
        uint256 before = released();
        release();
        assert(released() >= before);
    }

    /// @notice A second release in a row releases nothing.
    function releaseTwiceIsReleaseOnce() public {
        require(_holds() && released() == (burned * 4) / 5 && burned * 4 <= RESERVE * 5);
        uint256 before = paid;
        (uint256 amount, ) = release();
        assert(amount == 0 && paid == before);
    }

    /// @notice Only the controller releases.
    function releaseIsTheControllers() public {
        release();
        assert(msg.sender == CONTROLLER);
    }

    /// @notice Only the governor sets operations, to a share of at most 2,000 basis points and never to zero or a contract
    /// of the protocol.
    function setOperationsIsTheGovernors(address treasury, uint16 share) public {
        setOperations(treasury, share);
        assert(msg.sender == GOVERNOR && share <= 2_000 && treasury != address(0) && treasury != POOL);
    }

    /// @notice Operations are paid what they are owed, once.
    function payOperationsPaysWhatIsOwed() public {
        require(_holds());
        uint256 owed = operationsOwed();
        uint256 before = paid;
        uint256 amount = payOperations();
        assert(amount == owed && paid == before + owed && operationsOwed() == 0);
    }

    /// @notice False: a release releases something.
    function canaryReleaseReleasesSomething() public {
        require(_holds());
        (uint256 amount, ) = release();
        assert(amount > 0);
    }

    /// @notice False: operations get nothing of the first release.
    function canaryReleaseIsTheMiners() public {
        require(_holds() && released() == 0 && burned == 1_000e18);
        release();
        assert(operationsOwed() == 0);
    }

    /// @notice False: operations are owed nothing.
    function canaryPayOperationsPaysNothing() public {
        require(_holds());
        assert(payOperations() == 0);
    }

    /// @notice False: operations stay as they are set.
    function canarySetOperationsSetsNothing(address treasury, uint16 share) public {
        require(_holds());
        uint16 before = operationsShare();
        setOperations(treasury, share);
        assert(operationsShare() == before);
    }

    function _holds() internal view override returns (bool) {
        return
            burned <= 900_000_000e18 &&
            released() * 5 <= burned * 4 &&
            released() <= RESERVE &&
            operationsOwed() <= released() &&
            paid <= RESERVE &&
            paid + operationsOwed() == released() &&
            held >= RESERVE - paid &&
            held <= 1_000_000_000e18 &&
            operationsShare() <= MAX_OPERATIONS_SHARE;
    }
}
