/** What a line says besides its message. */
export type Fields = Readonly<Record<string, unknown>>;

const HIDDEN = '[hidden]';
/** Names under which something secret may stand, however they are written: `secretKey`, `SECRET_KEY`, `curve-secret-key`. */
const SECRET = /secret|password|passphrase|privatekey|token|credential|authorization|cookie/;
const LONGEST = 8000;
const MOST = 200;
const DEEPEST = 6;

/**
 * Fields as they may be written: what stands under the name of a secret is hidden, however deep it lies; a text, a list and
 * a depth that no reader wants are cut, so that a line has a bound. Errors become their name, message, stack and cause.
 */
export const loggable = (fields: Fields): Record<string, unknown> => plainObject(Object.entries(fields), 0);

function plainObject(entries: readonly (readonly [string, unknown])[], depth: number): Record<string, unknown> {
  return Object.fromEntries(
    entries.slice(0, MOST).map(([name, value]) => [name, isSecret(name) ? HIDDEN : plain(value, depth)]),
  );
}

const isSecret = (name: string): boolean => SECRET.test(name.replaceAll(/[^a-z]/gi, '').toLowerCase());

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
  if (typeof value === 'bigint') return String(value);
  // JSON has none of these: a loss that is NaN is worth knowing of.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return '…';
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    return plainObject(Object.entries({ name, message, stack, ...(cause === undefined ? {} : { cause }) }), depth + 1);
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString();
  if (value instanceof Map)
    return plainObject(
      [...value].map(([name, each]) => [String(name), each]),
      depth + 1,
    );
  if (value instanceof Set) return plain([...value], depth);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.slice(0, MOST).map((each) => plain(each, depth + 1));
  return plainObject(Object.entries(value), depth + 1);
}
