import type { NetworkSpec } from '../config/schema/network.ts';
import { block } from './block.ts';
import type { Model } from './cell.ts';
import { coplenet } from './coplenet.ts';
import { own } from './own/index.ts';
import { seunet } from './seunet.ts';
import { unetpipe } from './unetpipe.ts';

/** The network that is asked for, as a list of cells. */
export const buildModel = (spec: NetworkSpec): Model => {
  switch (spec.name) {
    case 'unetpipe':
      return unetpipe(spec);
    case 'seunet':
      return seunet(spec);
    case 'coplenet':
      return coplenet(spec);
    case 'block':
      return block(spec);
    case 'own':
      return own({ ...spec, cells: spec.cells ?? [] });
  }
};
