import type { StoredTensor } from '../../checkpoint/safetensors.ts';
import type { ReferenceCase } from './referenceCase.ts';

const ACTIVATIONS = ['input', 'output', 'grad_output', 'grad_input', 'eval_output'];

/**
 * The case of a network of two axes that was given volumes (batch, channels, slices, height, width), as COPLE-Net takes them: its
 * slices are the batch, (batch · slices, channels, height, width). Any other case as it is.
 */
export function foldSlices(reference: ReferenceCase, spatialDims: 2 | 3): ReferenceCase {
  const rank = reference.tensors.get('input')?.shape.length;
  if (spatialDims !== 2 || rank !== 5) return reference;
  const tensors = new Map(
    [...reference.tensors].map(([name, tensor]) => [name, ACTIVATIONS.includes(name) ? folded(tensor) : tensor]),
  );
  return { ...reference, tensors };
}

function folded(tensor: StoredTensor): StoredTensor {
  const [batch = 1, channels = 1, slices = 1, ...plane] = tensor.shape;
  const size = plane.reduce((product, length) => product * length, 1);
  const values = tensor.values as Float32Array;
  const out = new Float32Array(values.length);
  for (let sample = 0; sample < batch; sample++)
    for (let channel = 0; channel < channels; channel++)
      for (let slice = 0; slice < slices; slice++) {
        const from = ((sample * channels + channel) * slices + slice) * size;
        const to = ((sample * slices + slice) * channels + channel) * size;
        out.set(values.subarray(from, from + size), to);
      }
  return { ...tensor, shape: [batch * slices, channels, ...plane], values: out };
}
