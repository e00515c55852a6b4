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
import { startRecording } from "../replay/recording";
import { replay, type Rules } from "../replay/replay";
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
  const sent: (Omit<StepGas, "gas"> & { hash: string })[] = [];
  for (const plan of plans) {
    const { steps } = planDeployment(await PARAMETERS[plan](), build);
    for (const sender of SENDERS) {
      progress(`deploying the ${plan} plan by ${sender}`);
      const send = await senderOf(sender);
      const snapshot: unknown = await hre.network.provider.send("evm_snapshot", []);
      for (const { name, call } of steps) {
        const { hash } = await send(call);
        sent.push({ plan, step: name, sender, hash });
      }
      await hre.network.provider.send("evm_revert", [snapshot]);
    }
  }

  const replays = {} as Record<Rules, Awaited<ReturnType<typeof replay>>>;
  for (const rules of ["osaka", "amsterdam"] as const) {
    progress(`replaying ${recorded.length} steps under ${rules}`);
    replays[rules] = await replay(recorded, rules);
  }
  const gasOf = (hash: string, rules: Rules) => replays[rules].get(hash)?.gasUsed ?? 0n;
  return sent.map(({ hash, ...step }) => ({
    ...step,
    gas: { osaka: gasOf(hash, "osaka"), amsterdam: gasOf(hash, "amsterdam") },
  }));
}

/** Returns the steps that take more than the limit of any rules. */
export function aboveLimit(steps: readonly StepGas[]): StepGas[] {
  return steps.filter(({ gas }) => gas.osaka > LIMITS.osaka || gas.amsterdam > LIMITS.amsterdam);
}
