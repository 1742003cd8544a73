/*
 * On links with keys the values of a tensor go in pieces, each a frame of its own:
 *
 *     ┌────────────┬─────────┬─────────┬──────┐
 *     │ header     │ 256 KiB │ 256 KiB │ rest │
 *     └────────────┴─────────┴─────────┴──────┘
 *
 * ZeroMQ takes memory for a frame as its bytes come, also from a stranger who has yet to show a key. So a frame may be no larger
 * than what a stranger may have us hold, and a tensor of 2 GiB be many.
 */

/** Small enough for a thousand strangers, and no slower than any larger size (`benchmarks/link.ts`). */
export const PIECE_BYTES = 2 ** 18;

/** The pieces of some bytes, all of the same size but the last; they share their memory. */
export const cut = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.max(1, Math.ceil(bytes.byteLength / size)) }, (_, piece) =>
    bytes.subarray(piece * size, (piece + 1) * size),
  );

/** The bytes of pieces that are as `cut` makes them; undefined where they are not. */
export function joined(pieces: readonly Uint8Array[], size: number): Uint8Array | undefined {
  const last = pieces.at(-1);
  if (!last || last.byteLength > size || (last.byteLength === 0 && pieces.length > 1)) return undefined;
  if (pieces.slice(0, -1).some(({ byteLength }) => byteLength !== size)) return undefined;
  return pieces.length === 1 ? last : Buffer.concat(pieces);
}
