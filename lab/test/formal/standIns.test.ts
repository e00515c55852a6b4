import { readFileSync } from "node:fs";
import path from "node:path";

import { RESERVE } from "@turingfog/sdk";
import { expect } from "chai";
import { MaxUint256, type Contract, type InterfaceAbi } from "ethers";
import { ethers } from "hardhat";
import solc from "solc";

import { exp2, readFactors } from "../../formal/exp2";

const ROOT = path.join(__dirname, "../../..");
const MATH = "@openzeppelin/contracts/utils/math/Math.sol";

const CALLS = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
import { Math } from "${MATH}";
import { exp2 } from "@prb/math/src/Common.sol";
contract Calls {
  function all(uint256 a, uint256 b) external pure returns (uint256, uint256, uint256, uint256) {
    return (Math.min(a, b), Math.max(a, b), Math.saturatingSub(a, b), b == 0 ? 0 : Math.ceilDiv(a, b));
  }
  function power(uint256 x) external pure returns (uint256) { return exp2(x); }
}`;

/** The functions, of OpenZeppelin or of the stand-in, made callable. */
async function deployCalls(math: string): Promise<Contract> {
  const compileJson = solc.compile as (input: string, callbacks: object) => string;
  const input = {
    language: "Solidity",
    sources: { "Calls.sol": { content: CALLS } },
    settings: { evmVersion: "cancun", outputSelection: { "*": { Calls: ["abi", "evm.bytecode.object"] } } },
  };
  const read = (file: string) => ({
    contents: readFileSync(path.join(ROOT, file === MATH ? math : path.join("node_modules", file)), "utf8"),
  });
  const output = JSON.parse(compileJson(JSON.stringify(input), { import: read })) as {
    contracts: Record<string, Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string } } }>>;
  };
  const { abi, evm } = output.contracts["Calls.sol"].Calls;
  const [deployer] = await ethers.getSigners();
  return (await new ethers.ContractFactory(abi, evm.bytecode.object, deployer).deploy()) as Contract;
}

describe("What stands in for a library in proofs", () => {
  for (const name of ["Math", "MathOfExponents", "MonotoneMath"]) {
    it(`${name} returns what OpenZeppelin's functions return, at every boundary`, async () => {
      const [original, standIn] = [
        await deployCalls(path.join("node_modules", MATH)),
        await deployCalls(`test/formal/standins/${name}.sol`),
      ];
      const values = [0n, 1n, 2n, 3n, 2n ** 64n - 1n, 2n ** 128n, RESERVE, MaxUint256 - 1n, MaxUint256];

      for (const a of values) {
        for (const b of values) {
          const expected: unknown = await original.all(a, b);
          expect(await standIn.all(a, b), `${a}, ${b}`).to.deep.equal(expected);
        }
      }
    });
  }

  it("raises to the powers that the deployed exp2 raises to, bit by bit", async () => {
    const original = await deployCalls(path.join("node_modules", MATH));
    const factors = readFactors();
    const bits = Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit));
    const exponents = [...bits, ...bits.map((bit) => (123n << 64n) + bit - 1n), (128n << 64n) - 1n, 128n << 64n];

    for (const x of exponents) {
      const expected: unknown = await original.power(x);
      expect(exp2(x, factors), `${x}`).to.equal(expected);
    }
  });
});
