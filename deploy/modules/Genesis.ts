import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Future } from "@nomicfoundation/ignition-core";

import { CREATION, type DeploymentStep } from "@turingfog/operator";

/**
 * Sends the steps of a plan one after the other: the transactions of `npm run deploy`, so that both end at the same
 * addresses. The deterministic deployer must stand. Steps that are done already are left out of what is given; one that
 * someone else does meanwhile fails the module, where `npm run deploy` goes on.
 */
export function genesisModule(steps: readonly DeploymentStep[]) {
  return buildModule("Genesis", (m) => {
    const after: Future[] = [];
    for (const { name, call } of steps) {
      const id = name === CREATION ? CREATION : `create_${name}`;
      after.push(m.send(id, call.to, call.value, call.data, { after: after.slice(-1) }));
    }
    return {};
  });
}
