import type { ConvolutionGeometry, Engine } from '../engine.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { loweredDilation } from './dilation.ts';
import { matrixConvolution, suitsMatrices } from './matrixConvolution.ts';
import { nativeConvolution, type Convolution } from './nativeConvolution.ts';
import type { Runtime } from './runtime.ts';

type Kernels = Convolution & Pick<Engine, 'addBias' | 'biasGradient'>;

/**
 * Convolution and its two gradients, for 2 and 3 spatial axes:
 *   y = x ∗ w,   dx = Conv{2D,3D}BackpropInput(w, dy),   dw = Conv{2D,3D}BackpropFilter(x, dy).
 */
export function convolutionKernels(r: Runtime): Kernels {
  const native = nativeConvolution(r);
  const lowered = loweredDilation(r, native);
  const dilates = once(() => dilatesNatively(r, native));
  const matrices = matrixConvolution(r);
  const kernelsFor = (input: Shape, filter: Shape, geometry: ConvolutionGeometry): Convolution => {
    // cuDNN has no such weakness.
    if (!r.usesGpu && suitsMatrices(input, filter, geometry)) return matrices;
    return geometry.dilations.every((dilation) => dilation === 1) || dilates() ? native : lowered;
  };

  return {
    convolve(x, filter, geometry) {
      if (!oneDnnMisreads(x.shape, geometry))
        return kernelsFor(x.shape, filter.shape, geometry).convolve(x, filter, geometry);
      return r.tf.tidy(() => {
        const [wider, filters] = [withEmptyChannel(r, x, x.rank - 1), withEmptyChannel(r, filter, filter.rank - 2)];
        return kernelsFor(wider.shape, filters.shape, geometry).convolve(wider, filters, geometry);
      });
    },
    convolveInputGradient: (inputShape, filter, dy, geometry) =>
      kernelsFor(inputShape, filter.shape, geometry).convolveInputGradient(inputShape, filter, dy, geometry),
    convolveFilterGradient: (x, filterShape, dy, geometry) =>
      kernelsFor(x.shape, filterShape, geometry).convolveFilterGradient(x, filterShape, dy, geometry),
    ...biasKernels(r),
  };
}

function biasKernels(r: Runtime): Pick<Kernels, 'addBias' | 'biasGradient'> {
  const channelsLast = r.text('data_format', 'NHWC');
  return {
    addBias: (x, bias) => r.run('BiasAdd', [r.float, channelsLast], [x, bias]),
    biasGradient: (dy) => r.run('BiasAddGrad', [r.float, channelsLast], [dy]),
  };
}

/**
 * oneDNN's forward convolution of one channel reads beyond its input where the last axis is strided and the one before it
 * is not (TensorFlow 2.21: about one result in ten is wrong). A second channel of zeros takes another path.
 */
const oneDnnMisreads = (input: Shape, { strides }: ConvolutionGeometry): boolean =>
  input.at(-1) === 1 && strides.at(-2) === 1 && strides.at(-1)! > 1;

const withEmptyChannel = (r: Runtime, x: Tensor, axis: number): Tensor =>
  r.tf.pad(
    x,
    x.shape.map((_, i): [number, number] => [0, i === axis ? 1 : 0]),
  );

/** TensorFlow's kernels for GPUs and oneDNN's dilate; its other ones for CPUs refuse, forward or backward. */
function dilatesNatively(r: Runtime, native: Convolution): boolean {
  const geometry = { strides: [1, 1, 1], dilations: [2, 2, 2], padding: [1, 1, 1].map(() => [2, 2] as const) };
  const [shape, filterShape] = [
    [1, 3, 3, 3, 1],
    [3, 3, 3, 1, 1],
  ];
  try {
    r.tf.tidy(() => {
      const [x, filter] = [r.tf.ones(shape), r.tf.ones(filterShape)];
      const y = native.convolve(x, filter, geometry);
      native.convolveInputGradient(shape, filter, y, geometry);
      native.convolveFilterGradient(x, filterShape, y, geometry);
    });
    return true;
  } catch {
    return false;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
