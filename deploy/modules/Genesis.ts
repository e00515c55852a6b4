import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Future } from "@nomicfoundation/ignition-core";

import type { DeploymentStep } from "@turingfog/operator";

/**
 * Sends the steps of a plan one after the other. They are the transactions of `npx turingfog deploy run`, so that both give the
 * same addresses. The deterministic deployer must exist. `steps` must not include finished steps. If someone else
 * finishes a step meanwhile, the module fails, whereas `npx turingfog deploy run` continues.
 */
export function genesisModule(steps: readonly DeploymentStep[]) {
  return buildModule("Genesis", (m) => {
    const after: Future[] = [];
    for (const { name, call } of steps) {
      after.push(m.send(`create_${name}`, call.to, call.value, call.data, { after: after.slice(-1) }));
    }
    return {};
  });
}
