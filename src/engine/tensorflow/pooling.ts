import type { Engine, PoolGeometry } from '../engine.ts';
import type { Tensor } from '../tensor.ts';
import { maxPoolGradient3D } from './maxPoolGradient.ts';
import type { Attribute, Runtime } from './runtime.ts';

type Kernels = Pick<Engine, 'maxPool' | 'maxPoolGradient' | 'averagePool' | 'averagePoolGradient'>;

/** Pooling without padding: a window that does not fit is left out, and its voxels have no gradient. */
export function poolingKernels(r: Runtime): Kernels {
  const attributes = (geometry: PoolGeometry): Attribute[] => [
    r.float,
    r.int('ksize', [1, ...geometry.sizes, 1]),
    r.int('strides', [1, ...geometry.strides, 1]),
    r.text('padding', 'VALID'),
    r.text('data_format', geometry.sizes.length === 3 ? 'NDHWC' : 'NHWC'),
  ];
  const cube = (geometry: PoolGeometry) => geometry.sizes.length === 3;
  return {
    maxPool: (x, geometry) => r.run(cube(geometry) ? 'MaxPool3D' : 'MaxPool', attributes(geometry), [x]),

    maxPoolGradient(x, y, dy, geometry) {
      if (!cube(geometry)) return r.run('MaxPoolGrad', attributes(geometry), [x, y, dy]);
      const pool = (input: Tensor) => r.run('MaxPool3D', attributes(geometry), [input]);
      const toAll = (...inputs: Tensor[]) =>
        r.run('MaxPool3DGrad', [...attributes(geometry), r.type('TInput', 'TF_FLOAT')], inputs);
      return maxPoolGradient3D(r, { pool, toAll }, { x, y, dy }, geometry);
    },

    averagePool: (x, geometry) => r.run(cube(geometry) ? 'AvgPool3D' : 'AvgPool', attributes(geometry), [x]),

    averagePoolGradient: (inputShape, dy, geometry) =>
      r.withShape(inputShape, (sizes) =>
        r.run(cube(geometry) ? 'AvgPool3DGrad' : 'AvgPoolGrad', attributes(geometry), [sizes, dy]),
      ),
  };
}
