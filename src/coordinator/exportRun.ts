import { statSync } from 'node:fs';
import { join } from 'node:path';
import { onnxGraph } from '../checkpoint/onnx/graph.ts';
import { writeOnnx } from '../checkpoint/onnx/write.ts';
import { findParameters, readFloats } from '../checkpoint/parameters.ts';
import { pytorchShape } from '../checkpoint/pytorchLayout.ts';
import { SafetensorsFile, writeSafetensors, type HostTensor } from '../checkpoint/safetensors.ts';
import { loadRunFile } from '../config/loadRunFile.ts';
import type { RunFile } from '../config/runFile.ts';
import type { ParameterSpec } from '../layers/parameter.ts';
import type { Model } from '../models/cell.ts';
import { countParameters, parameterSpecs } from '../models/describe.ts';
import { buildModel } from '../models/index.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import { verifyOnnx, type Verification } from './verifyOnnx.ts';

export interface ExportOptions {
  /** Folder of a run: its run file and its weights. */
  readonly runDirectory: string;
  /** A safetensors file by PyTorch's names; that of the run unless given. */
  readonly weights?: string | undefined;
  /** Files to write. */
  readonly onnx?: string | undefined;
  readonly safetensors?: string | undefined;
  /** Our own version, which the file names. */
  readonly version: string;
  readonly signal: AbortSignal;
}

export interface ExportedFile {
  readonly path: string;
  readonly format: 'onnx' | 'safetensors';
  readonly bytes: number;
  /** Of ONNX. */
  readonly verification?: Verification;
}

export interface ExportResult {
  readonly weights: string;
  /** Learnt values of the network. */
  readonly parameters: number;
  readonly files: readonly ExportedFile[];
}

/** Writes a trained network for other programs: as ONNX, verified where ONNX Runtime is installed, or its weights alone. */
export async function exportRun(options: ExportOptions): Promise<ExportResult> {
  const { runDirectory, version, onnx, safetensors, signal } = options;
  const { run } = loadRunFile(join(runDirectory, runFiles.run), [], { checkFiles: false });
  const model = buildModel(run.model);
  const path = options.weights ?? join(runDirectory, runFiles.weights);
  const weights = await SafetensorsFile.open(path);
  const files: ExportedFile[] = [];
  try {
    const task = { run, model, weights, version, signal };
    if (onnx !== undefined) files.push(await exportOnnx(onnx, task));
    signal.throwIfAborted();
    if (safetensors !== undefined) files.push(await exportSafetensors(safetensors, task));
  } finally {
    await weights.close();
  }
  return { weights: path, parameters: countParameters(model.cells), files };
}

interface Task {
  readonly run: RunFile;
  readonly model: Model;
  readonly weights: SafetensorsFile;
  readonly version: string;
  readonly signal: AbortSignal;
}

async function exportOnnx(path: string, { run, model, weights, version, signal }: Task): Promise<ExportedFile> {
  // What is there in training only is in no file for prediction, and need not be in its weights.
  const cells = model.cells.filter(({ trainingOnly }) => !trainingOnly);
  const { names } = findParameters(parameterSpecs(cells), weights);
  let verification: Verification | undefined;
  await writeOnnx(path, onnxGraph(model), {
    read: async (parameter) => {
      signal.throwIfAborted();
      return readFloats(weights, names.get(parameter)!);
    },
    metadata: metadataOf(run, model),
    producerVersion: version,
    check: async (file) => {
      verification = await verifyOnnx(file, { model: { ...model, cells }, weights, engine: run.engine.name });
    },
  });
  return { path, format: 'onnx', bytes: statSync(path).size, ...(verification ? { verification } : {}) };
}

async function exportSafetensors(path: string, { run, model, weights }: Task): Promise<ExportedFile> {
  const specs = parameterSpecs(model.cells);
  const { names } = findParameters(specs, weights);
  const tensors = new Map<string, HostTensor>();
  for (const spec of specs) tensors.set(spec.name, await hostTensor(spec, weights, names.get(spec.name)!));
  // `format` is what Python's readers of PyTorch weights look for.
  const metadata = { ...Object.fromEntries(weights.metadata), format: 'pt', ...metadataOf(run, model) };
  await writeSafetensors(path, tensors, metadata);
  return { path, format: 'safetensors', bytes: statSync(path).size };
}

const hostTensor = async (spec: ParameterSpec, weights: SafetensorsFile, name: string): Promise<HostTensor> => ({
  shape: pytorchShape(spec.layout, spec.shape),
  values: await readFloats(weights, name),
});

/** What is needed around the network, and is lost where only weights are handed on. */
const metadataOf = ({ name, data, model: spec, inference }: RunFile, model: Model): Record<string, string> => ({
  run: name,
  classes: JSON.stringify(data.classes),
  transforms: JSON.stringify(data.transforms),
  inference: JSON.stringify(inference),
  model: JSON.stringify(spec),
  axes: ['batch', 'channel', 'z', 'y', 'x'].filter((axis) => axis !== 'z' || model.spatialDims === 3).join(', '),
  divisor: String(model.divisor),
});
