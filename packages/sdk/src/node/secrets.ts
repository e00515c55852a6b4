/**
 * Texts that no output, no file and no error may contain, each with its name: keys, and what gives access in URLs. In
 * every form in which a library, a node or an explorer may repeat them.
 */
const secrets = new Map<string, string>();

/** Matches every form; undefined until it is needed again. */
let forms: RegExp | undefined;

/** A shorter text protects nothing, and would be found in words that have nothing to do with it. */
const SHORTEST = 4;

/** Checks whether a part of a host's name may be a key: some providers have it there. */
export function isHostKey(label: string): boolean {
  return /^(?=.*\d)[\w-]{16,}$/.test(label);
}

/** Registers a secret, for which {@link redact} then puts `[what]`. */
export function hide(secret: string, what: string): void {
  for (const form of formsOf(secret)) {
    if (form.length >= SHORTEST) secrets.set(form.toLowerCase(), what);
  }
  forms = undefined;
}

/**
 * Registers what gives access in a URL: user and password, and each part of the host, the path and the query that looks
 * like a key. Does not register the URL itself.
 */
export function hideAccess(url: string, what: string): void {
  if (!URL.canParse(url)) return;
  const { username, password, host, pathname, searchParams } = new URL(url);
  const [user, word] = [username, password].map(decoded);
  hide(word, what);
  // as HTTP sends them
  if (username !== "" || password !== "") hide(Buffer.from(`${user}:${word}`).toString("base64"), what);
  for (const label of host.split(".").filter(isHostKey)) hide(label, what);
  const parts = [user, ...pathname.split("/").map(decoded), ...searchParams.values()];
  for (const part of parts.filter(looksLikeKey)) hide(part, what);
}

/** Returns a text with every registered secret replaced by its name. */
export function redact(text: string): string {
  if (secrets.size === 0) return text;
  forms ??= matcher();
  return text.replace(forms, (found) => `[${secrets.get(found.toLowerCase())}]`);
}

function matcher(): RegExp {
  // longest first, because one secret may be a part of another
  const byLength = [...secrets.keys()].sort((a, b) => b.length - a.length);
  return new RegExp(byLength.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "gi");
}

/** Returns a secret as it is, as URLs, forms, JSON and tables of Markdown have it, and a key without its 0x. */
function formsOf(secret: string): string[] {
  const bare = secret.replace(/^0x(?=[0-9a-f]{64}$)/i, "");
  const encoded = encodeURIComponent(secret);
  const form = new URLSearchParams({ "": secret }).toString().slice(1);
  const quoted = JSON.stringify(secret).slice(1, -1);
  return [secret, bare, encoded, encodeURI(secret), form, quoted, secret.replaceAll("|", "\\|"), decoded(secret)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A chain's name or a version is no secret, and hiding it would spoil what else has it. */
function looksLikeKey(part: string): boolean {
  return part.length >= 20 || (part.length >= 8 && /\d/.test(part));
}
