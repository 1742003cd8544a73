import { resolve } from 'node:path';
import { findParameters } from '../checkpoint/parameters.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';
import type { RunFile } from '../config/runFile.ts';
import { parameterSpecs } from '../models/describe.ts';
import { buildModel } from '../models/index.ts';
import type { PipelineOptions } from './pipelineOptions.ts';

/**
 * What a run begins with, where it says so, having found all of its network in it. Throws a SafetensorsError or a
 * ParameterLoadError; what the file holds beyond the network is only noted.
 */
export async function initialWeights(
  { model, training }: RunFile,
  baseDirectory: string,
  note: (text: string) => void,
): Promise<PipelineOptions['weights']> {
  if (training.initial_weights === undefined) return undefined;
  const path = resolve(baseDirectory, training.initial_weights);
  const file = await SafetensorsFile.open(path);
  try {
    const { unexpected } = findParameters(parameterSpecs(buildModel(model).cells), file);
    if (unexpected.length > 0)
      note(`${path}: ${unexpected.length} of its tensors are not in the network, such as ${unexpected[0]}`);
  } finally {
    await file.close();
  }
  return { file: path, prefix: '' };
}
