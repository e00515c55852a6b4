import { open } from "node:fs/promises";

/**
 * Writes a secret into a new file that only its owner can read, and makes it durable.
 * @throws if there is such a file: a key is never overwritten
 */
export async function writeSecret(file: string, secret: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(`${secret}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
