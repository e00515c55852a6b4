import path from "node:path";

import ts from "typescript";

/** A test's claim that a contract brings forth an error or an event. */
export interface Assertion {
  /** The type of the contract that the test gave; several where it is one of several. */
  contracts: string[];
  kind: "error" | "event";
  /** Several where the name is one of several, each of which some run of the line asserts. */
  names: string[];
  hasArguments: boolean;
  /** file:line */
  place: string;
}

const ROOT = path.join(__dirname, "../..");

const MATCHERS: Record<string, Assertion["kind"]> = { revertedWithCustomError: "error", emit: "event" };

/** The positive claims of every test file, read as the type checker reads them: through variables, tables and helpers. */
export function assertions(): Assertion[] {
  const config = ts.readConfigFile(path.join(ROOT, "tsconfig.json"), (file) => ts.sys.readFile(file));
  const { fileNames, options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
  return assertionsIn(ts.createProgram(fileNames, options), path.join(ROOT, "test") + path.sep);
}

/** The positive claims in the files of a program below a directory. */
export function assertionsIn(program: ts.Program, directory: string): Assertion[] {
  const checker = program.getTypeChecker();
  return program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(directory))
    .flatMap((file) => callsIn(file).flatMap((call) => assertionOf(call, file, checker) ?? []));
}

function callsIn(node: ts.Node): ts.CallExpression[] {
  const below: ts.CallExpression[] = [];
  node.forEachChild((child) => {
    below.push(...callsIn(child));
  });
  return ts.isCallExpression(node) ? [node, ...below] : below;
}

function assertionOf(call: ts.CallExpression, file: ts.SourceFile, checker: ts.TypeChecker): Assertion | undefined {
  if (!ts.isPropertyAccessExpression(call.expression) || call.arguments.length !== 2) return undefined;
  const matcher = call.expression.name.text;
  if (!Object.hasOwn(MATCHERS, matcher) || isNegated(call.expression.expression)) return undefined;

  const [contract, name] = call.arguments;
  const { line } = file.getLineAndCharacterOfPosition(name.getStart());
  return {
    contracts: members(checker.getTypeAtLocation(contract)).map((type) => type.symbol?.name ?? ""),
    kind: MATCHERS[matcher],
    names: members(checker.getTypeAtLocation(name)).flatMap((type) => (type.isStringLiteral() ? [type.value] : [])),
    hasArguments: ts.isPropertyAccessExpression(call.parent) && call.parent.name.text === "withArgs",
    place: `${path.relative(ROOT, file.fileName)}:${line + 1}`,
  };
}

/** Whether `.not` stands anywhere before in the chain. */
function isNegated(chain: ts.Expression): boolean {
  if (ts.isCallExpression(chain)) return isNegated(chain.expression);
  return ts.isPropertyAccessExpression(chain) && (chain.name.text === "not" || isNegated(chain.expression));
}

const members = (type: ts.Type): ts.Type[] => (type.isUnion() ? type.types : [type]);
