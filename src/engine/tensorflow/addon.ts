import { createRequire, Module } from 'node:module';
import util from 'node:util';
import type * as tf from '@tensorflow/tfjs';
import { EngineMissingError } from '../errors.ts';

const require = createRequire(import.meta.url);

/** Loads tfjs with TensorFlow's backend out of the addon at that path. */
export function loadTensorFlow(addon: string): typeof tf {
  restoreUtil();
  pointAt(addon);
  const tfjs = require('@tensorflow/tfjs') as typeof tf;
  tfjs.env().set('PROD', true);
  try {
    void require('@tensorflow/tfjs-node-gpu');
  } catch (cause) {
    throw new EngineMissingError(addon, cause);
  }
  return tfjs;
}

/** tfjs-node calls two functions that Node 22 warns of and Node 23 took away (tensorflow/tfjs#8425). */
function restoreUtil(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: (value: unknown) => Array.isArray(value),
  });
}

/**
 * tfjs-node asks node-pre-gyp for its addon, which looks inside the package. A stand-in answers instead: ours lives in the
 * cache, and the real one pulls in modules that newer versions of Node warn of.
 */
function pointAt(addon: string): void {
  const id = require.resolve('@mapbox/node-pre-gyp');
  const standIn = new Module(id);
  standIn.filename = id;
  standIn.loaded = true;
  standIn.exports = { find: () => addon };
  require.cache[id] = standIn;
}
