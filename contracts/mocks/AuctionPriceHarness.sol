// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { AuctionPrice } from "../libraries/AuctionPrice.sol";

/// @notice The arguments of {AuctionPrice-priceAt}.
struct PriceInput {
    uint256 referencePrice;
    uint256 elapsed;
    uint256 period;
}

/// @notice The arguments of {AuctionPrice-nextReference}.
struct ReferenceInput {
    uint256 referencePrice;
    uint256 proceeds;
    uint256 amount;
    uint256 wholeUnit;
}

/// @title AuctionPriceHarness
/// @notice Makes the library callable, with many inputs at once.
/// @custom:security-contact security@turingfog.example
contract AuctionPriceHarness {
    uint256 public constant MAX_REFERENCE = AuctionPrice.MAX_REFERENCE;
    uint256 public constant MIN_REFERENCE = AuctionPrice.MIN_REFERENCE;
    uint256 public constant FULL_PROCEEDS = AuctionPrice.FULL_PROCEEDS;

    function pricesAt(PriceInput[] calldata inputs) external pure returns (uint256[] memory prices) {
        prices = new uint256[](inputs.length);
        for (uint256 i = 0; i < inputs.length; ++i) {
            prices[i] = AuctionPrice.priceAt(inputs[i].referencePrice, inputs[i].elapsed, inputs[i].period);
        }
    }

    /// @notice The price at `count` consecutive seconds.
    function pricesFrom(
        uint256 referencePrice,
        uint256 firstElapsed,
        uint256 count,
        uint256 period
    ) external pure returns (uint256[] memory prices) {
        prices = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            prices[i] = AuctionPrice.priceAt(referencePrice, firstElapsed + i, period);
        }
    }

    function nextReferences(ReferenceInput[] calldata inputs) external pure returns (uint256[] memory references) {
        references = new uint256[](inputs.length);
        for (uint256 i = 0; i < inputs.length; ++i) {
            ReferenceInput calldata input = inputs[i];
            references[i] = AuctionPrice.nextReference(
                input.referencePrice,
                input.proceeds,
                input.amount,
                input.wholeUnit
            );
        }
    }
}
