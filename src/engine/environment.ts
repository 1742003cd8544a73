/** What TensorFlow reads from the environment when it is loaded. */
export interface EngineResources {
  /** Threads that one operation may use. Left out: all cores. */
  readonly threads?: number | undefined;
  /** `CUDA_VISIBLE_DEVICES`: `''` for none. Left out: all GPUs. */
  readonly gpu?: string | undefined;
}

/** Variables that must be set before the engine is loaded. */
export function loadEnvironment(resources: EngineResources): Record<string, string> {
  return {
    TF_CPP_MIN_LOG_LEVEL: '3',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    ...(resources.threads === undefined
      ? {}
      : { TF_NUM_INTRAOP_THREADS: String(resources.threads), TF_NUM_INTEROP_THREADS: '1' }),
    ...(resources.gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: resources.gpu }),
  };
}

/**
 * The environment of a process that a parent starts for the engine. glibc's allocator is left alone: of the thresholds, arenas
 * and paddings that were tried, none was clearly better in a step's time or peak.
 */
export function engineEnvironment(resources: EngineResources): Record<string, string> {
  return loadEnvironment(resources);
}
