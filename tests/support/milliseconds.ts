import * as fc from 'fast-check';

/**
 * Times as something may take them: 0, or a picosecond at least. Doubles go down to 10⁻³²³, where sums and products lose their
 * digits and nothing is equal to anything within a small part of it.
 */
export const milliseconds = (max: number): fc.Arbitrary<number> =>
  fc.double({ min: 0, max, noNaN: true }).map((time) => Math.round(time * 1e9) / 1e9);
