import { paddedSize, padVolume } from '../../data/pad.ts';
import { normalizeIntensity } from '../../data/transforms/normalizeIntensity.ts';
import type { Volume } from '../../data/volume.ts';
import { compareElements, DIRECT, type Comparison } from './compare.ts';
import { tensorOf, type ReferenceCase, type TransformCase } from './referenceCase.ts';

type Size = readonly [number, number, number];

/** Where a volume lies in space does not matter to these transforms. */
const IDENTITY: Volume['affine'] = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];

/** A transform of one channel (1, d, h, w). A volume has its first axis fastest, so its axes are the tensor's turned round. */
export function runTransformCase(reference: ReferenceCase, description: TransformCase): Comparison[] {
  const { shape, values } = tensorOf(reference, 'input');
  const size = turned(shape.slice(1));
  const volume = { size, channels: 1, values: values as Float32Array, affine: IDENTITY };
  const got = transformed(reference.file, volume, description);
  return [compareElements('output', [{ name: 'output', got, expected: tensorOf(reference, 'output').values }], DIRECT)];
}

function transformed(file: string, volume: Volume<Float32Array>, description: TransformCase): Float32Array {
  switch (description.transform) {
    case 'NormalizeIntensity':
      return normalizeIntensity({ nonzero: description.nonzero, channel_wise: false }).apply({ file, image: volume }).image
        .values;
    case 'DivisiblePad':
      return padVolume(volume, paddedSize(volume.size, description.k)).values;
    case 'SpatialPad': {
      const asked = turned(description.spatial_size);
      const { size } = volume;
      // Axes that are longer already stay as they are.
      return padVolume(volume, [Math.max(size[0], asked[0]), Math.max(size[1], asked[1]), Math.max(size[2], asked[2])])
        .values;
    }
  }
}

const turned = ([d = 1, h = 1, w = 1]: readonly number[]): Size => [w, h, d];
