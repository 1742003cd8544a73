import type { TensorValues } from '../../checkpoint/dtype.ts';

/** The largest error of a kind of tensors against its tolerance. `error` / `tolerance` is at most 1 where it agrees. */
export interface Comparison {
  /** `output`, `losses`, `grad`, `after`, `eval_output` … */
  readonly tensors: string;
  /** The tensor with the largest error in proportion to its tolerance. */
  readonly worst: string;
  readonly error: number;
  readonly tolerance: number;
  readonly agrees: boolean;
}

/** |a − b| ≤ absolute + relative · |b|, element by element. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** For what is computed once. */
export const DIRECT: Tolerance = { absolute: 5e-5, relative: 1e-3 };
/** For what several optimizer steps have multiplied. */
export const MULTIPLIED: Tolerance = { absolute: 1e-4, relative: 1e-2 };
/** Of the largest element of a gradient tensor. */
const GRADIENT_SHARE = 5e-3;
/** What is below this share of the largest gradient of the net is analytically zero: noise in both. */
const ZERO_SHARE = 1e-6;

interface Pair {
  readonly name: string;
  readonly got: TensorValues;
  readonly expected: TensorValues;
}

/** Compares tensors element by element. Two NaN agree, and two infinities of one sign; one alone does not. */
export function compareElements(
  tensors: string,
  pairs: readonly Pair[],
  { absolute, relative }: Tolerance,
): Comparison {
  return worstOf(
    tensors,
    pairs.map((pair) => worstElement(pair, (expected) => absolute + relative * Math.abs(expected))),
  );
}

/** Compares gradients: each tensor by its largest error against its largest element. */
export function compareGradients(tensors: string, pairs: readonly Pair[]): Comparison {
  const zero = ZERO_SHARE * Math.max(0, ...pairs.map(({ expected }) => largest(expected)));
  return worstOf(
    tensors,
    pairs.map((pair) => {
      const tolerance = Math.max(GRADIENT_SHARE * largest(pair.expected), zero);
      return worstElement(pair, () => tolerance);
    }),
  );
}

interface Worst {
  readonly name: string;
  readonly error: number;
  readonly tolerance: number;
}

const ratio = ({ error, tolerance }: Worst): number => error / tolerance;

function worstOf(tensors: string, each: readonly Worst[]): Comparison {
  const none: Worst = { name: '(none)', error: Infinity, tolerance: 1 };
  const { name, error, tolerance } = each.reduce((a, b) => (ratio(b) > ratio(a) ? b : a), each[0] ?? none);
  return { tensors, worst: name, error, tolerance, agrees: error <= tolerance };
}

function worstElement({ name, got, expected }: Pair, toleranceOf: (expected: number) => number): Worst {
  if (got.length !== expected.length)
    return { name: `${name} (${got.length} values, not ${expected.length})`, error: Infinity, tolerance: 1 };
  let worst: Worst = { name, error: 0, tolerance: toleranceOf(0) };
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(got[i]), Number(expected[i])];
    if (Object.is(a, b)) continue;
    const difference = Math.abs(a - b);
    const error = Number.isNaN(difference) ? Infinity : difference;
    // Of what is not finite nothing is allowed: a share of infinity would allow everything.
    const tolerance = toleranceOf(Number.isFinite(b) ? b : 0);
    if (error * worst.tolerance > worst.error * tolerance) worst = { name, error, tolerance };
  }
  return worst;
}

function largest(values: TensorValues): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(Number(value)));
  return most;
}
