/** A change that the checker needs in a shipped source, and why what is proven of the one holds of the other. */
export interface Edit {
  /** Import path, from the root of the tree. */
  file: string;
  pattern: RegExp;
  replacement: string;
  reason: string;
}

/** A contract of properties and how it is checked: each of its functions is a property, its `@notice` the statement. */
export interface Suite {
  /** A file of test/formal/properties; its contract has the same name. */
  name: string;
  /** The properties' own assertions; or these of arithmetic, wherever they are asked, for the suite's one property. */
  checks: "assertions" | readonly ("overflow" | "underflow" | "divByZero")[];
  /** Import path → file of test/formal/standins. */
  standIns: Record<string, string>;
  edits: Edit[];
}

const MATH = "@openzeppelin/contracts/utils/math/Math.sol";
const EXP2 = "@prb/math/src/Common.sol";
const AUCTION = "contracts/libraries/AuctionPrice.sol";
const VAULT = "contracts/EmissionVault.sol";
const TOKEN = "contracts/TFT.sol";

const errors = (file: string): Edit => ({
  file,
  pattern: /revert \w+\([^;]*\);/g,
  replacement: "revert();",
  reason: "the checker knows reverts, but not custom errors",
});

const callable = (file: string): Edit => ({
  file,
  pattern: /\) external\b/g,
  replacement: ") public",
  reason: "properties call from within",
});

const UNREACHED = "nothing changes where the call is reached";

/**
 * BMC takes the arguments of every call as within their type, also of a call that is not reached. An argument below 0 there
 * makes every way that does not reach the call impossible, and all that is claimed of these ways is "proven".
 */
export const ARGUMENTS: readonly Edit[] = [
  {
    file: AUCTION,
    pattern: /uint256 power = exp2\((\(NEGLIGIBLE_HALVINGS << 64\)) - halvings\);/g,
    replacement: "uint256 left = $1 - halvings; uint256 power = exp2(halvings < $1 ? left : 0);",
    reason: UNREACHED,
  },
  {
    file: AUCTION,
    pattern: /return referencePrice \+ (\(\(target - referencePrice\) \* weight\))\.ceilDiv\(FULL_PROCEEDS\);/g,
    replacement:
      "{ uint256 rise = $1; return referencePrice + (target > referencePrice ? rise : 0).ceilDiv(FULL_PROCEEDS); }",
    reason: UNREACHED,
  },
  {
    file: AUCTION,
    pattern: /return referencePrice - (\(\(referencePrice - target\) \* weight\))\.ceilDiv\(FULL_PROCEEDS\);/g,
    replacement:
      "uint256 fall = $1; return referencePrice - (target > referencePrice ? 0 : fall).ceilDiv(FULL_PROCEEDS);",
    reason: UNREACHED,
  },
];

const SHIFTS: Edit[] = [
  {
    file: AUCTION,
    pattern: /<< 64/g,
    replacement: "* 2 ** 64",
    reason: "a shift is the product with a power of two, whose overflow is checked: no bit is lost",
  },
  {
    file: AUCTION,
    pattern: /<< OPENING_DOUBLINGS/g,
    replacement: "* 2 ** 13",
    reason: "as above",
  },
  {
    file: AUCTION,
    pattern: /<< NEGLIGIBLE_HALVINGS/g,
    replacement: "* 2 ** 128",
    reason: "as above",
  },
];

const FREE: Edit = {
  file: AUCTION,
  pattern: /\) internal pure/g,
  replacement: ") internal view",
  reason: "the stand-ins for exp2 and mulDiv take what is free in them from block and transaction",
};

const VAULT_EDITS: Edit[] = [
  errors(VAULT),
  {
    file: VAULT,
    pattern: /\) external (?=returns|\{)/g,
    replacement: ") public assuming ",
    reason: "properties call from within; every call starts where the invariant holds, which another property proves",
  },
  {
    file: VAULT,
    pattern: /remaining\(\) external view/g,
    replacement: "remaining() public view assuming",
    reason: "as above",
  },
  callable(VAULT),
  {
    file: VAULT,
    pattern: /\nimport \{ SupplySchedule \}/g,
    replacement: '\nimport { VaultTokens } from "formal/VaultTokens.sol";\nimport { SupplySchedule }',
    reason: "the token is modelled",
  },
  {
    file: VAULT,
    pattern: /\ncontract EmissionVault is IEmissionVault \{/g,
    replacement: "\nabstract contract EmissionVault is IEmissionVault, VaultTokens {",
    reason: "the token is modelled",
  },
  {
    file: VAULT,
    pattern: /\bTFT\.(burned|transfer)\(/g,
    replacement: "TFT_$1(",
    reason: "the token is modelled: it has no hooks, and pays or reverts",
  },
  {
    file: VAULT,
    pattern: /\(amount \* account\.operationsShare\) \/ BASIS_POINTS/g,
    replacement: "shareOf(amount, account.operationsShare)",
    reason: "any part up to the fifth that VaultShareProperties proves",
  },
  {
    file: VAULT,
    pattern: /\buint(128|112)\((entitlement|operations)\)/g,
    replacement: "toUint$1($2)",
    reason: "casts that say when they would cut",
  },
];

const ARITHMETIC = ["overflow", "underflow", "divByZero"] as const;
const EXPONENTS = { [MATH]: "MathOfExponents.sol", [EXP2]: "ExponentsOfExp2.sol" };
const MONOTONE = { [MATH]: "MonotoneMath.sol", [EXP2]: "MonotoneExp2.sol" };
const VAULT_STAND_INS = { [MATH]: "Math.sol", "formal/VaultTokens.sol": "VaultTokens.sol" };

export const SUITES: Suite[] = [
  { name: "SupplyScheduleProperties", checks: "assertions", standIns: { [MATH]: "Math.sol" }, edits: [] },
  { name: "SupplyScheduleArithmetic", checks: ARITHMETIC, standIns: { [MATH]: "Math.sol" }, edits: [] },
  { name: "AuctionExponentProperties", checks: "assertions", standIns: EXPONENTS, edits: [...ARGUMENTS, ...SHIFTS] },
  { name: "AuctionPriceProperties", checks: "assertions", standIns: MONOTONE, edits: [...ARGUMENTS, ...SHIFTS, FREE] },
  {
    name: "AuctionReferenceProperties",
    checks: "assertions",
    standIns: MONOTONE,
    edits: [...ARGUMENTS, ...SHIFTS, FREE],
  },
  { name: "AuctionPriceArithmetic", checks: ARITHMETIC, standIns: MONOTONE, edits: [...ARGUMENTS, ...SHIFTS, FREE] },
  { name: "VaultShareProperties", checks: "assertions", standIns: { [MATH]: "Math.sol" }, edits: [] },
  { name: "EmissionVaultProperties", checks: "assertions", standIns: VAULT_STAND_INS, edits: VAULT_EDITS },
  {
    name: "EmissionVaultArithmetic",
    checks: ["underflow", "divByZero"],
    standIns: VAULT_STAND_INS,
    edits: VAULT_EDITS,
  },
  {
    name: "TFTProperties",
    checks: "assertions",
    standIns: {
      [MATH]: "Math.sol",
      "@openzeppelin/contracts/token/ERC20/ERC20.sol": "ERC20.sol",
      "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol": "ERC20Permit.sol",
    },
    edits: [errors(TOKEN), callable(TOKEN)],
  },
];
