// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { Base64 } from "@openzeppelin/contracts/utils/Base64.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

import { IComputeEscrow, Order } from "../interfaces/IComputeEscrow.sol";
import { IOrderRenderer } from "../interfaces/IOrderRenderer.sol";

/* solhint-disable quotes */

/// @title OrderRenderer
/// @notice See {IOrderRenderer}.
/// @custom:security-contact security@turingfog.example
contract OrderRenderer is IOrderRenderer {
    using Strings for uint256;
    using Strings for address;
    using Strings for string;

    /// @dev What an order shows.
    struct Card {
        string name;
        string bought;
        string delivered;
        string price;
        string asset;
        string endsOn;
    }

    /* CONSTANTS */

    uint256 private constant TU_DECIMALS = 18;

    /// @dev That the escrow's assets have at most.
    uint256 private constant MAX_DECIMALS = 24;

    uint256 private constant MAX_SYMBOL = 32;

    /// @dev So much for each question to an asset that it cannot use up what the card takes: a proxy's answer is below.
    uint256 private constant ANSWER_GAS = 100_000;

    /* VIEWS */

    /// @inheritdoc IOrderRenderer
    function tokenURI(IComputeEscrow escrow, uint256 orderId) external view returns (string memory) {
        Order memory order = escrow.order(orderId);
        (bool hasDecimals, uint256 decimals) = _decimalsOf(order.asset);
        string memory price = _decimal(order.unitPrice, hasDecimals ? decimals : 0);
        Card memory card = Card({
            name: string.concat("TuringFog order ", orderId.toString()),
            bought: _decimal(order.tuAmount, TU_DECIMALS),
            delivered: _decimal(order.tuSettled, TU_DECIMALS),
            price: hasDecimals ? price : string.concat(price, " base units"),
            asset: _nameOf(order.asset),
            endsOn: _date(order.endsAt)
        });
        string memory json = _json(card, order.asset.toChecksumHexString());
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    function _json(Card memory card, string memory asset) private pure returns (string memory) {
        string memory attributes = string.concat(
            _attribute("TU bought", card.bought),
            ",",
            _attribute("TU delivered", card.delivered),
            ",",
            _attribute("Price per TU", card.price),
            ",",
            _attribute("Asset", card.asset),
            ",",
            _attribute("Asset address", asset),
            ",",
            _attribute("Ends on", card.endsOn)
        );
        return
            string.concat(
                '{"name":"',
                card.name,
                '","description":"Compute on TuringFog, paid for in advance. Its holder can stop it or acknowledge ',
                'it empty: bind an offer to its fingerprint (ERC-5646).","image":"data:image/svg+xml;base64,',
                Base64.encode(bytes(_svg(card))),
                '","attributes":[',
                attributes,
                "]}"
            );
    }

    function _attribute(string memory trait, string memory value) private pure returns (string memory) {
        return string.concat('{"trait_type":"', trait, '","value":"', value.escapeJSON(), '"}');
    }

    function _svg(Card memory card) private pure returns (string memory) {
        string memory rows = string.concat(
            _row("70", "TU bought", card.bought),
            _row("110", "TU delivered", card.delivered),
            _row("150", "Price per TU", card.price),
            _row("190", "Asset", _escapeXML(card.asset)),
            _row("230", "Ends on", card.endsOn)
        );
        return
            string.concat(
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 480 260' font-family='sans-serif'>",
                "<rect width='480' height='260' fill='#10202b'/><text x='20' y='34' fill='#ffffff' font-size='18'>",
                card.name,
                "</text>",
                rows,
                "</svg>"
            );
    }

    function _row(string memory y, string memory what, string memory value) private pure returns (string memory) {
        return
            string.concat(
                "<text x='20' y='",
                y,
                "' fill='#9db2bf'>",
                what,
                "</text><text x='140' y='",
                y,
                "' fill='#ffffff'>",
                value,
                "</text>"
            );
    }

    /* WHAT AN ASSET SAYS */

    /// @dev The symbol that an asset answers with, as a string or as a bytes32; its address if it is neither, or is not
    /// made of printable ASCII characters.
    function _nameOf(address asset) private view returns (string memory) {
        (bool isDone, uint256 size, bytes32[3] memory answer) = _ask(asset, IERC20Metadata.symbol.selector);
        bytes32 text = size == 32 ? answer[0] : answer[2];
        uint256 length = size == 32 ? _lengthOf(text) : uint256(answer[1]);
        bool isString = size == 96 && uint256(answer[0]) == 32;
        bool isNamed = isDone && (size == 32 || isString) && length != 0 && length <= MAX_SYMBOL;
        if (!isNamed) return asset.toChecksumHexString();

        bytes memory symbol = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            bytes1 character = text[i];
            if (character < 0x20 || character > 0x7e) return asset.toChecksumHexString();
            symbol[i] = character;
        }
        return string(symbol);
    }

    function _lengthOf(bytes32 text) private pure returns (uint256 length) {
        while (length < 32 && text[length] != 0) ++length;
    }

    function _decimalsOf(address asset) private view returns (bool isTold, uint256 decimals) {
        (bool isDone, uint256 size, bytes32[3] memory answer) = _ask(asset, IERC20Metadata.decimals.selector);
        decimals = uint256(answer[0]);
        isTold = isDone && size == 32 && decimals <= MAX_DECIMALS;
    }

    /// @dev Copies no more of the answer than 96 bytes, however much there is.
    function _ask(
        address asset,
        bytes4 selector
    ) private view returns (bool isDone, uint256 size, bytes32[3] memory answer) {
        assembly ("memory-safe") {
            mstore(0x00, selector)
            isDone := staticcall(ANSWER_GAS, asset, 0x00, 0x04, answer, 0x60)
            size := returndatasize()
        }
    }

    function _escapeXML(string memory text) private pure returns (string memory escaped) {
        bytes memory characters = bytes(text);
        for (uint256 i = 0; i < characters.length; ++i) {
            bytes1 character = characters[i];
            if (character == "&") escaped = string.concat(escaped, "&amp;");
            else if (character == "<") escaped = string.concat(escaped, "&lt;");
            else if (character == ">") escaped = string.concat(escaped, "&gt;");
            else escaped = string(abi.encodePacked(escaped, character));
        }
    }

    /* NUMBERS AND DATES */

    /// @dev value / 10^decimals, without zeros at the end.
    function _decimal(uint256 value, uint256 decimals) private pure returns (string memory) {
        uint256 unit = 10 ** decimals;
        uint256 fraction = value % unit;
        if (fraction == 0) return (value / unit).toString();

        for (; fraction % 10 == 0; --decimals) fraction /= 10;
        bytes memory digits = new bytes(decimals);
        for (uint256 i = decimals; i > 0; --i) {
            digits[i - 1] = bytes1(uint8(48 + (fraction % 10)));
            fraction /= 10;
        }
        return string.concat((value / unit).toString(), ".", string(digits));
    }

    /// @dev The day of a unix time as ISO 8601 has it. Counted are years of 365.2425 days that begin in March, from the
    /// year 0 on, of which 719,468 days had passed in 1970.
    function _date(uint256 timestamp) private pure returns (string memory) {
        uint256 day = timestamp / 1 days + 719_468;
        uint256 era = day / 146_097;
        uint256 dayOfEra = day % 146_097;
        uint256 yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        uint256 marchMonth = (5 * dayOfYear + 2) / 153;
        uint256 dayOfMonth = dayOfYear - (153 * marchMonth + 2) / 5 + 1;
        uint256 month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
        uint256 year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
        return string.concat(year.toString(), "-", _twoDigits(month), "-", _twoDigits(dayOfMonth));
    }

    function _twoDigits(uint256 n) private pure returns (string memory) {
        return n < 10 ? string.concat("0", n.toString()) : n.toString();
    }
}
