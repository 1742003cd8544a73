/**
 * The first key that the outermost object of `json` has twice, or undefined. JSON.parse keeps the last one silently; in a
 * file of weights that would hide a tensor. `json` is known to parse.
 */
export const firstDuplicateKey = (json: string): string | undefined => {
  const seen = new Set<string>();
  let depth = 0;
  for (const { 0: token } of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && token.endsWith(':')) {
      const key = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
};

/** A bracket, or a whole string with the colon behind it where it is a key. */
const TOKEN = /[{}[\]]|"(?:[^"\\]|\\.)*"(?:\s*:)?/g;
