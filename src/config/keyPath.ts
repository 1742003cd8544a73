/** A place in a run file: `['data', 'train', 0, 'image']` is written `data.train[0].image`. */
export type KeyPath = readonly (string | number)[];

export function formatKeyPath(path: KeyPath): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}

/** Reads `data.train[0].image` and `data.train.0.image`; undefined where it is not of that form. */
export function parseKeyPath(text: string): KeyPath | undefined {
  const keys = text.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  if (keys.some((key) => key === '')) return undefined;
  return keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

/** The value at a path, undefined where the path leads nowhere. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}
