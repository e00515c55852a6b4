import type { TUReceiptOracle } from "@turingfog/sdk/ethers";

/**
 * Returns the signers, in lower case, whose signatures came with a submitted root. It is empty if a contract has called the oracle:
 * then the signatures do not stand in the transaction's own call.
 */
export async function signersOf(
  oracle: TUReceiptOracle,
  { args, transactionHash }: { args: string; transactionHash: string },
): Promise<Set<string>> {
  const { receiptsRoot } = JSON.parse(args) as { receiptsRoot: string };
  const transaction = await oracle.runner?.provider?.getTransaction(transactionHash);
  if (!transaction || transaction.to !== oracle.target) return new Set();
  const call = oracle.interface.parseTransaction(transaction);
  if (call?.name !== "submit" || call.args.receiptsRoot !== receiptsRoot) return new Set();
  const signatures = call.args.signatures as { signer: string }[];
  return new Set(signatures.map(({ signer }) => signer.toLowerCase()));
}
