import { cellsDivisor } from './cellsDivisor.ts';
import type { ModelSpec } from './runFile.ts';

/** Every spatial size of a model's input must be a multiple of this: it is halved so often. */
export function modelDivisor(model: ModelSpec): number {
  switch (model.name) {
    case 'unetpipe':
    case 'seunet':
      // A stem of stride 2, then one halving a level.
      return 2 ** (model.depth + 1);
    case 'coplenet':
      return 16;
    case 'own':
      return cellsDivisor(model.cells ?? [], model.spatial_dims);
  }
}
