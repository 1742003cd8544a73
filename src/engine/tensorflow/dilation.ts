import type { ConvolutionGeometry } from '../engine.ts';
import { convolutionSizes } from '../geometry.ts';
import type { Shape, Tensor } from '../tensor.ts';
import type { Convolution } from './nativeConvolution.ts';
import type { Runtime } from './runtime.ts';
import { stridedSlice, stridedSliceGradient } from './stridedSlice.ts';

/**
 * Dilated convolution by plain ones. Voxels that lie d apart never meet others under a kernel dilated by d, so each of the
 * d phases of an axis becomes a sample of its own (SpaceToBatchND); a plain convolution of stride 1 follows, the phases are
 * interleaved again (BatchToSpaceND), and every s-th window is what the stride keeps.
 */
export function loweredDilation(r: Runtime, plain: Convolution): Convolution {
  const { tf } = r;
  return {
    convolve: (x, filter, geometry) =>
      tf.tidy(() => {
        const plan = planOf(x.shape, filter.shape, geometry);
        const phases = plain.convolve(toPhases(r, x, plan), filter, plan.plain);
        return everyNth(r, fromPhases(r, phases, plan.block, plan.windowCrops), plan);
      }),

    convolveInputGradient: (inputShape, filter, dy, geometry) =>
      tf.tidy(() => {
        const plan = planOf(inputShape, filter.shape, geometry);
        const phases = plain.convolveInputGradient(
          phasesShape(inputShape, plan),
          filter,
          gradientOfPhases(r, dy, plan),
          plan.plain,
        );
        return fromPhases(r, phases, plan.block, plan.pads);
      }),

    convolveFilterGradient: (x, filterShape, dy, geometry) =>
      tf.tidy(() => {
        const plan = planOf(x.shape, filterShape, geometry);
        return plain.convolveFilterGradient(
          toPhases(r, x, plan),
          filterShape,
          gradientOfPhases(r, dy, plan),
          plan.plain,
        );
      }),
  };
}

type Pairs = readonly (readonly [number, number])[];

interface Plan {
  /** Phases of every axis: its dilation. */
  readonly block: readonly number[];
  /** Zeros around the input: the geometry's, and what fills the axis up to a multiple of the block. */
  readonly pads: Pairs;
  /** Windows of stride 1, and those behind them that only the filling made. */
  readonly windows: readonly number[];
  readonly windowCrops: Pairs;
  readonly strides: readonly number[];
  readonly plain: ConvolutionGeometry;
}

function planOf(input: Shape, filter: Shape, geometry: ConvolutionGeometry): Plan {
  const block = geometry.dilations;
  const spatial = input.slice(1, -1);
  const kernel = filter.slice(0, -2);
  const ones = block.map(() => 1);
  const windows = convolutionSizes(spatial, kernel, { ...geometry, strides: ones });
  const pads = geometry.padding.map(([before, after], axis) => {
    const size = spatial[axis]! + before + after;
    return [before, after + ((block[axis]! - (size % block[axis]!)) % block[axis]!)] as const;
  });
  const windowCrops = windows.map((count, axis) => {
    const size = spatial[axis]! + pads[axis]![0] + pads[axis]![1];
    return [0, size - (kernel[axis]! - 1) * block[axis]! - count] as const;
  });
  const plain = { strides: ones, dilations: ones, padding: ones.map(() => [0, 0] as const) };
  return { block, pads, windows, windowCrops, strides: geometry.strides, plain };
}

const asPairs = (pairs: Pairs): number[][] => pairs.map(([before, after]) => [before, after]);

const toPhases = (r: Runtime, x: Tensor, plan: Plan): Tensor =>
  r.tf.spaceToBatchND(x, [...plan.block], asPairs(plan.pads));

const fromPhases = (r: Runtime, phases: Tensor, block: readonly number[], crops: Pairs): Tensor =>
  r.tf.batchToSpaceND(phases, [...block], asPairs(crops));

function phasesShape(input: Shape, { block, pads }: Plan): number[] {
  const phases = block.reduce((product, dilation) => product * dilation, 1);
  const spatial = block.map((dilation, axis) => (input[axis + 1]! + pads[axis]![0] + pads[axis]![1]) / dilation);
  return [input[0]! * phases, ...spatial, input.at(-1)!];
}

/** dy among the windows of stride 1, zeros where there is no window, cut into phases. */
function gradientOfPhases(r: Runtime, dy: Tensor, plan: Plan): Tensor {
  const all = between(r, dy, plan);
  return r.tf.spaceToBatchND(all, [...plan.block], asPairs(plan.windowCrops));
}

const gridOf = ({ strides }: Plan, count: Shape) => ({
  begin: count.map(() => 0),
  strides: [1, ...strides, 1],
  count,
});

/** The windows that the stride keeps. */
function everyNth(r: Runtime, y: Tensor, plan: Plan): Tensor {
  if (plan.strides.every((stride) => stride === 1)) return y;
  const kept = plan.windows.map((windows, axis) => Math.ceil(windows / plan.strides[axis]!));
  return stridedSlice(r, y, gridOf(plan, [y.shape[0], ...kept, y.shape.at(-1)!]));
}

/** The gradient of `everyNth`: zeros where there is no window. */
function between(r: Runtime, dy: Tensor, plan: Plan): Tensor {
  if (plan.strides.every((stride) => stride === 1)) return dy;
  const shape = [dy.shape[0], ...plan.windows, dy.shape.at(-1)!];
  return stridedSliceGradient(r, shape, gridOf(plan, dy.shape), dy);
}
