import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** What computes in this process. */
export interface EngineVersions {
  /** The name of the GPU, or of the processor. */
  readonly device: string;
  readonly tfjs: string;
  /** Of TensorFlow's C library, where that is the engine. */
  readonly tensorflow?: string;
}

/** The part of an engine that says what it is made of. */
export interface EngineMakeup {
  readonly tfjs: string;
  readonly tensorflow?: string;
  readonly usesGpu: boolean;
}

export function describeMakeup({ usesGpu, ...versions }: EngineMakeup, gpu: string | undefined): EngineVersions {
  return { device: usesGpu ? gpuName(gpu) : (cpus()[0]?.model ?? 'CPU'), ...versions };
}

/** The models of the GPUs that NVIDIA's driver lists, without asking anything but the kernel. */
export function gpuModels(folder = '/proc/driver/nvidia/gpus'): string[] {
  try {
    return readdirSync(folder).map((bus) => {
      const information = readFileSync(join(folder, bus, 'information'), 'utf8');
      return /^Model:\s*(.+)$/m.exec(information)?.[1] ?? bus;
    });
  } catch {
    // No driver, no GPU.
    return [];
  }
}

/** `visible` is CUDA_VISIBLE_DEVICES; TensorFlow takes the last GPU that it sees. */
function gpuName(visible: string | undefined): string {
  const models = gpuModels();
  const last = visible?.split(',').at(-1);
  const index = last === undefined ? models.length - 1 : Number(last);
  return models[index] ?? models[0] ?? 'GPU';
}
