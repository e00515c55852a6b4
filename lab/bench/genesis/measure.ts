import {
  connect,
  type DeploymentParameters,
  ensureCreate2Deployer,
  IN_PROCESS,
  KeySender,
  loadWallet,
  planDeployment,
} from "@turingfog/operator";
import hre from "hardhat";

import { projectBuild } from "../../../deploy/inProcess";
import { recordedAs, type RecordedTransaction, startRecording } from "../replay/recording";
import { gasOf, replayAll, type Rules } from "../replay/replay";
import { type PlanName, type SenderName, SENDERS } from "./kinds";
import { defaultParameters, largestParameters } from "./plans";
import { senderOf } from "./senders";

/** The most gas of a step, by rules. */
export const LIMITS: Record<Rules, bigint> = { osaka: 8_000_000n, amsterdam: 45_000_000n };

/** Gas of one step of a deployment. */
export interface StepGas {
  plan: PlanName;
  step: string;
  sender: SenderName;
  gas: Record<Rules, bigint>;
}

/** Functions that make the parameters of a plan, with the contracts that these name. */
const PARAMETERS: Record<PlanName, () => Promise<DeploymentParameters> | DeploymentParameters> = {
  default: defaultParameters,
  largest: largestParameters,
};

/**
 * Deploys plans in process, each by each kind of sender, and replays all transactions under both rules.
 * @param progress told what is being done
 * @throws ReplayDiffersError if the replay under Osaka's rules differs from Hardhat's gas
 */
export async function measureGenesis(
  plans: readonly PlanName[],
  progress: (what: string) => void = () => undefined,
): Promise<StepGas[]> {
  const recorded = startRecording(hre.network.provider);
  const connection = await connect(IN_PROCESS);
  const wallet = await loadWallet({ isLocal: true, env: {} }, connection.provider);
  await ensureCreate2Deployer(connection, new KeySender(wallet, connection));

  const build = await projectBuild();
  const sent: (Omit<StepGas, "gas"> & { transaction: RecordedTransaction })[] = [];
  for (const plan of plans) {
    const { steps } = planDeployment(await PARAMETERS[plan](), build);
    for (const sender of SENDERS) {
      progress(`deploying the ${plan} plan by ${sender}`);
      const send = await senderOf(sender);
      const snapshot: unknown = await hre.network.provider.send("evm_snapshot", []);
      for (const { name, call } of steps) {
        const transaction = recordedAs(recorded, (await send(call)).hash);
        transaction.name = `${name} of the ${plan} plan by ${sender}`;
        sent.push({ plan, step: name, sender, transaction });
      }
      await hre.network.provider.send("evm_revert", [snapshot]);
    }
  }

  const { osaka, amsterdam } = await replayAll(recorded, progress);
  return sent.map(({ transaction, ...step }) => ({
    ...step,
    gas: { osaka: gasOf(osaka, transaction), amsterdam: gasOf(amsterdam, transaction) },
  }));
}

/** Returns the steps that take more than the limit of any rules. */
export function aboveLimit(steps: readonly StepGas[]): StepGas[] {
  return steps.filter(({ gas }) => gas.osaka > LIMITS.osaka || gas.amsterdam > LIMITS.amsterdam);
}
