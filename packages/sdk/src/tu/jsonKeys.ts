/** A string with its escapes, or a character that gives JSON its structure. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** Returns the first key that an object of a JSON text has twice: `JSON.parse` takes the last and says nothing. */
export function repeatedKeyOf(json: string): string | undefined {
  // for each object or list that is open, the keys so far; a list has none
  const open: Set<string>[] = [];
  let lastString = "";
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const key = JSON.parse(lastString) as string;
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    } else if (token !== ",") lastString = token;
  }
  return undefined;
}
