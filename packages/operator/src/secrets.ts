/** What no output and no error may contain: keys, passphrases, RPC URLs (most carry an access key). */
const secrets = new Map<string, string>();

/** Has {@link redact} put `[what]` wherever the secret would stand. */
export function hide(secret: string, what: string): void {
  if (secret !== "") secrets.set(secret, what);
}

/** The text without the secrets that have been hidden. */
export function redact(text: string): string {
  let redacted = text;
  // the longest first, for one may be a part of another
  const byLength = Array.from(secrets).sort(([a], [b]) => b.length - a.length);
  for (const [secret, what] of byLength) redacted = redacted.replaceAll(secret, `[${what}]`);
  return redacted;
}
