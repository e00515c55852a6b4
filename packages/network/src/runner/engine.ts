import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { TuringFogError } from "@turingfog/sdk";

/** A program that runs containers, with the commands of docker, which podman has too. */
export interface Engine {
  /** Absolute path of `docker` or `podman`. */
  command: string;
  /** Its whole environment beside PATH and HOME, such as DOCKER_HOST. */
  env: Record<string, string>;
}

/** State of a container, as both engines tell it. */
export interface ContainerState {
  Running: boolean;
  Paused: boolean;
  OOMKilled: boolean;
  Pid: number;
  ExitCode: number;
}

/** Milliseconds that the engine has for a command that is none of long work. */
const PATIENCE = 60_000;

/** Thrown when the engine does not do what it is asked. */
export class EngineError extends TuringFogError {
  constructor(command: string, args: readonly string[], reason: string) {
    super(`${command} ${args.slice(0, 2).join(" ")}: ${reason}`);
  }
}

/**
 * Calls the engine, and returns what it prints.
 * @param patience milliseconds that it has
 * @param signal ends it before
 * @throws EngineError
 */
export async function call(
  engine: Engine,
  args: string[],
  { patience = PATIENCE, signal }: { patience?: number; signal?: AbortSignal } = {},
): Promise<string> {
  const options = { env: engine.env, timeout: patience, killSignal: "SIGKILL", maxBuffer: 1_048_576, signal } as const;
  try {
    return (await promisify(execFile)(engine.command, args, options)).stdout.trim();
  } catch (error) {
    const { killed, stderr, message } = error as Error & { killed?: boolean; stderr?: string };
    const last = stderr?.trim().split("\n").at(-1);
    throw new EngineError(
      engine.command,
      args,
      killed === true ? `no answer in ${patience / 1_000} s` : last || message,
    );
  }
}

/** Returns the state of a container; undefined if the engine says that there is none of this name. */
export async function stateOf(engine: Engine, name: string): Promise<ContainerState | undefined> {
  // an engine that does not answer says nothing, so it is asked for a list, which may be empty
  const ids = await call(engine, ["ps", "--all", "--quiet", "--filter", `name=^${name}$`]);
  if (ids === "") return undefined;
  return JSON.parse(
    await call(engine, ["container", "inspect", "--format", "{{json .State}}", name]),
  ) as ContainerState;
}
