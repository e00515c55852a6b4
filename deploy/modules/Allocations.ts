import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import type { Allocation } from "../../src/deployment/parameters";
import { vestingId } from "../../src/deployment/plan";

/** A vesting wallet for each allocation that vests. */
export function allocationsModule(allocations: Allocation[]) {
  return buildModule("Allocations", (m) =>
    Object.fromEntries(
      allocations.flatMap((allocation) => {
        if (!("vesting" in allocation)) return [];
        const { beneficiary, start, duration, cliff } = allocation.vesting;
        const id = vestingId(allocation.name);
        return [[id, m.contract("VestedAllocation", [beneficiary, start, duration, cliff], { id })]];
      }),
    ),
  );
}
