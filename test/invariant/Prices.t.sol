// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Vm } from "forge-std/Vm.sol";

/// @notice What Hardhat has built of the harness, without its source: forge compiles only what calls.
interface IAuctionPriceHarness {
    function pricesFrom(
        uint256 referencePrice,
        uint256 firstElapsed,
        uint256 count,
        uint256 period
    ) external pure returns (uint256[] memory prices);
}

/// @notice Walks the price of a lot second by second through its first three days. Hardhat's chain, which keeps a trace of
/// every step of the machine, takes twenty times as long.
contract PricesTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 private constant REFERENCE = 123_456_789_012_345_678_901;
    uint256 private constant COUNT = 100;

    function test_neverRise() external {
        IAuctionPriceHarness harness = IAuctionPriceHarness(_create());
        uint256 previous = 8_192 * REFERENCE;
        for (uint256 first = 0; first <= 3 days; first += COUNT) {
            uint256[] memory prices = harness.pricesFrom(REFERENCE, first, COUNT, 1 days);
            require(prices.length == COUNT, "a price for each second");
            for (uint256 i = 0; i < COUNT; ++i) {
                if (prices[i] > previous) _fail("rises", first + i, prices[i]);
                if (first + i <= 1 days && prices[i] < REFERENCE / 4) _fail("is below a quarter", first + i, prices[i]);
                previous = prices[i];
            }
        }
        require(previous < REFERENCE / 4 / 256, "falls by 2^8 on the second and third day");
    }

    function _fail(string memory what, uint256 elapsed, uint256 price) private pure {
        revert(string.concat(what, " to ", vm.toString(price), " at ", vm.toString(elapsed), " s"));
    }

    /// @dev Creates the library's harness as Hardhat has built it.
    function _create() private returns (address harness) {
        string memory artifact = vm.readFile(
            "artifacts/contracts/mocks/AuctionPriceHarness.sol/AuctionPriceHarness.json"
        );
        bytes memory code = vm.parseJsonBytes(artifact, ".bytecode");
        assembly ("memory-safe") {
            harness := create(0, add(code, 0x20), mload(code))
        }
        require(harness != address(0), "the harness exists");
    }
}
