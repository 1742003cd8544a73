import type { InferenceSpec } from '../../config/schema/inference.ts';
import { paddedSize } from '../../data/pad.ts';
import type { NetworkInput } from '../../data/wholeImage.ts';
import { importanceOf } from './importance.ts';
import { planWindows, type Triple, type Windows } from './windows.ts';

/** Size of the windows over an image: where an axis is `whole`, all of the image, padded to what the network can halve. */
export function roiFor(size: Triple, { roi }: Pick<InferenceSpec, 'roi'>, network: NetworkInput): Triple {
  const padded = paddedSize(size, network.divisor, network.spatialDims);
  const along = (axis: 0 | 1 | 2): number => {
    const asked = roi[axis]!;
    return asked === 'whole' ? padded[axis] : asked;
  };
  return [along(0), along(1), along(2)];
}

/** The windows that a run file asks for, over an image of this size, and what their voxels count. */
export function windowsFor(
  size: Triple,
  spec: InferenceSpec,
  network: NetworkInput,
): { readonly windows: Windows; readonly importance: Float32Array | undefined } {
  const roi = roiFor(size, spec, network);
  const { overlap } = spec;
  const [x, y, z] = typeof overlap === 'number' ? [overlap, overlap, overlap] : (overlap as readonly number[]);
  return { windows: planWindows(size, roi, [x!, y!, z!]), importance: importanceOf(roi, spec) };
}
