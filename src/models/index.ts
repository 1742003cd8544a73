import type { ModelSpec } from '../config/runFile.ts';
import type { Model } from './cell.ts';
import { unetpipe } from './unetpipe.ts';

const CATALOGUE: Readonly<Record<ModelSpec['name'], (spec: ModelSpec) => Model>> = { unetpipe };

/** The network that the run file asks for, as a list of cells. */
export const buildModel = (spec: ModelSpec): Model => CATALOGUE[spec.name](spec);
