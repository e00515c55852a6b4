import hre from "hardhat";

import { type RecordedStep, startRecording } from "../../bench/replay/recording";

/** Records what goes through Hardhat's provider while something runs, and leaves the provider as it was. */
export async function recording<T>(run: (steps: RecordedStep[]) => Promise<T>): Promise<T> {
  const { provider } = hre.network;
  const before = { request: provider.request.bind(provider), send: provider.send.bind(provider) };
  try {
    return await run(startRecording(provider));
  } finally {
    Object.assign(provider, before);
  }
}
