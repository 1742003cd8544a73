import { BatchNorm } from './batchNorm.ts';
import { Convolution } from './convolution.ts';
import { Dropout } from './dropout.ts';
import type { SpatialDims } from './geometry.ts';
import { GroupNorm } from './groupNorm.ts';
import { InstanceNorm } from './instanceNorm.ts';
import { LeakyRelu, Relu } from './leakyRelu.ts';
import { MaxAveragePool } from './maxAveragePool.ts';
import { ParallelConvolutions } from './parallelConvolutions.ts';
import { ParametricRelu } from './parametricRelu.ts';
import { AveragePool, MaxPool } from './pooling.ts';
import { Sigmoid } from './sigmoid.ts';
import { SqueezeExcite } from './squeezeExcite.ts';
import { TransposedConvolution } from './transposedConvolution.ts';
import { Upsample } from './upsample.ts';

/** A layer's constructor with the number of spatial axes filled in. */
const forDims =
  <Rest extends unknown[], Made>(
    Class: new (spatialDims: SpatialDims, ...rest: Rest) => Made,
    spatialDims: SpatialDims,
  ) =>
  (...rest: Rest): Made =>
    new Class(spatialDims, ...rest);

/**
 * Every layer for images of two or three axes, as MONAI's factories: `layersFor(3).convolution('stem', { … })`.
 * The first argument is the layer's name, the prefix of its parameters' names.
 */
export const layersFor = (spatialDims: SpatialDims) => ({
  convolution: forDims(Convolution, spatialDims),
  transposedConvolution: forDims(TransposedConvolution, spatialDims),
  batchNorm: forDims(BatchNorm, spatialDims),
  instanceNorm: forDims(InstanceNorm, spatialDims),
  groupNorm: forDims(GroupNorm, spatialDims),
  leakyRelu: forDims(LeakyRelu, spatialDims),
  relu: forDims(Relu, spatialDims),
  parametricRelu: forDims(ParametricRelu, spatialDims),
  sigmoid: forDims(Sigmoid, spatialDims),
  maxPool: forDims(MaxPool, spatialDims),
  averagePool: forDims(AveragePool, spatialDims),
  maxAveragePool: forDims(MaxAveragePool, spatialDims),
  parallelConvolutions: forDims(ParallelConvolutions, spatialDims),
  squeezeExcite: forDims(SqueezeExcite, spatialDims),
  upsample: forDims(Upsample, spatialDims),
  dropout: forDims(Dropout, spatialDims),
});

export type LayerFactory = ReturnType<typeof layersFor>;
