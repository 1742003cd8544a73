import * as tf from '@tensorflow/tfjs';
import { meterValues, type ValueMeter } from '../../src/engine/valueMeter.ts';

export type MemoryMeter = ValueMeter;

/** Watches the engine's bookkeeping from here on. */
export const startMemoryMeter = (): MemoryMeter => meterValues(tf);
