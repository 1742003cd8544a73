import type { ConvolutionGeometry, Engine } from '../engine.ts';
import { planPadding, type PaddingPlan } from '../geometry.ts';
import type { Shape, Tensor } from '../tensor.ts';
import type { Attribute, Runtime } from './runtime.ts';

/** A convolution and its two gradients. */
export type Convolution = Pick<Engine, 'convolve' | 'convolveInputGradient' | 'convolveFilterGradient'>;

/** TensorFlow's kernels, with zeros put around the input where none of its two paddings means the geometry. */
export function nativeConvolution(r: Runtime): Convolution {
  return {
    convolve(x, filter, geometry) {
      const plan = planFor(x.shape, filter.shape, geometry);
      return padded(r, x, plan, (input) =>
        r.run(filter.rank === 5 ? 'Conv3D' : 'Conv2D', attributes(r, geometry, plan), [input, filter]),
      );
    },

    convolveInputGradient(inputShape, filter, dy, geometry) {
      const plan = planFor(inputShape, filter.shape, geometry);
      const cube = filter.rank === 5;
      const op = cube ? 'Conv3DBackpropInputV2' : 'Conv2DBackpropInput';
      const sized = cube ? [r.type('Tshape', 'TF_INT32')] : [];
      const dx = r.withShape(paddedShape(inputShape, plan), (sizes) =>
        r.run(op, [...attributes(r, geometry, plan), ...sized], [sizes, filter, dy]),
      );
      return cropped(r, dx, plan, inputShape);
    },

    convolveFilterGradient(x, filterShape, dy, geometry) {
      const plan = planFor(x.shape, filterShape, geometry);
      const op = filterShape.length === 5 ? 'Conv3DBackpropFilterV2' : 'Conv2DBackpropFilter';
      return padded(r, x, plan, (input) =>
        r.withShape(filterShape, (sizes) => r.run(op, attributes(r, geometry, plan), [input, sizes, dy])),
      );
    },
  };
}

const planFor = (input: Shape, filter: Shape, geometry: ConvolutionGeometry): PaddingPlan =>
  planPadding(input.slice(1, -1), filter.slice(0, -2), geometry);

function attributes(r: Runtime, geometry: ConvolutionGeometry, plan: PaddingPlan): Attribute[] {
  return [
    r.float,
    r.int('strides', [1, ...geometry.strides, 1]),
    r.int('dilations', [1, ...geometry.dilations, 1]),
    r.text('padding', plan.kind === 'SAME' ? 'SAME' : 'VALID'),
    r.text('data_format', geometry.strides.length === 3 ? 'NDHWC' : 'NHWC'),
  ];
}

/** Runs `body` on the input with the zeros of an explicit plan around it. */
function padded(r: Runtime, x: Tensor, plan: PaddingPlan, body: (input: Tensor) => Tensor): Tensor {
  if (plan.kind !== 'explicit') return body(x);
  const input = r.tf.pad(x, [[0, 0], ...plan.pads.map(([before, after]): [number, number] => [before, after]), [0, 0]]);
  try {
    return body(input);
  } finally {
    input.dispose();
  }
}

function paddedShape(shape: Shape, plan: PaddingPlan): Shape {
  if (plan.kind !== 'explicit') return shape;
  return shape.map((size, axis) => {
    const pads = plan.pads[axis - 1];
    return pads ? size + pads[0] + pads[1] : size;
  });
}

/** The gradient of `padded`: takes what lies inside the zeros, and disposes `dx`. */
function cropped(r: Runtime, dx: Tensor, plan: PaddingPlan, shape: Shape): Tensor {
  if (plan.kind !== 'explicit') return dx;
  const inside = r.tf.slice(dx, [0, ...plan.pads.map(([before]) => before), 0], shape as number[]);
  dx.dispose();
  return inside;
}
