const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A size that cannot be read. */
export class ByteSizeError extends RangeError {
  override readonly name = 'ByteSizeError';
  readonly text: string;

  constructor(text: string) {
    super(`"${text}" is no size; give a number and one of ${Object.keys(units).join(', ')}, such as 16GB or 1.5 GiB`);
    this.text = text;
  }
}

const pattern = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-z]*)$/i;

/** Bytes of `16GB` (16 · 10⁹), `1.5 GiB` (1.5 · 2³⁰), `500`; letters may be small. Throws a ByteSizeError. */
export const parseByteSize = (text: string): number => {
  const [, number, word = ''] = pattern.exec(text.trim()) ?? [];
  const unit = word === '' ? 'B' : Object.keys(units).find((name) => name.toLowerCase() === word.toLowerCase());
  if (number === undefined || unit === undefined) throw new ByteSizeError(text);
  return Number(number) * (units[unit] ?? 1);
};
