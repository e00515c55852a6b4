/**
 * Texts that no output and no error may contain, each with its name: keys, passphrases, RPC URLs (most carry an access
 * key).
 */
const secrets = new Map<string, string>();

/** Registers a secret, for which {@link redact} then puts `[what]`. */
export function hide(secret: string, what: string): void {
  if (secret !== "") secrets.set(secret, what);
}

/** Returns a text with every registered secret replaced by its name. */
export function redact(text: string): string {
  let redacted = text;
  // longest first, because one secret may be a part of another
  const byLength = Array.from(secrets).sort(([a], [b]) => b.length - a.length);
  for (const [secret, what] of byLength) redacted = redacted.replaceAll(secret, `[${what}]`);
  return redacted;
}
