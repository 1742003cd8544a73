import type { ModelSpec } from '../config/runFile.ts';
import type { Model } from './cell.ts';
import { coplenet } from './coplenet.ts';
import { unetpipe } from './unetpipe.ts';

/** The network that the run file asks for, as a list of cells. */
export const buildModel = (spec: ModelSpec): Model => {
  switch (spec.name) {
    case 'unetpipe':
      return unetpipe(spec);
    case 'coplenet':
      return coplenet(spec);
  }
};
