/** What the engine is made of. A change here gives it another folder in the cache. */
export const TFJS_VERSION = '4.22.0';
export const TENSORFLOW_VERSION = '2.21.0';

export type EngineVariant = 'cpu' | 'gpu' | 'prebuilt';

/** The variants that are built from a wheel. */
export type WheelVariant = Exclude<EngineVariant, 'prebuilt'>;

/** The folder of a finished engine, inside the cache. */
export const engineFolder = (variant: EngineVariant): string =>
  variant === 'prebuilt'
    ? `tfjs-${TFJS_VERSION}-prebuilt`
    : `tfjs-${TFJS_VERSION}-tensorflow-${TENSORFLOW_VERSION}-${variant}`;

/** The addon, inside the engine's folder; it finds its libraries by a path relative to its own. */
export const ADDON = 'lib/napi-v8/tfjs_binding.node';
export const LIBRARIES = 'deps/lib';

/** The package on PyPI, its download in bytes where it is known, and the free disk that the whole set-up needs. */
export interface WheelSource {
  readonly requirement: string;
  readonly bytes: number | undefined;
  readonly diskBytes: number;
}

/** TensorFlow's C library with its headers. CUDA's own libraries come on top of the `gpu` one. */
export const WHEELS: Record<WheelVariant, WheelSource> = {
  cpu: { requirement: `tensorflow-cpu==${TENSORFLOW_VERSION}`, bytes: 273_829_956, diskBytes: 1.3e9 },
  gpu: { requirement: `tensorflow==${TENSORFLOW_VERSION}`, bytes: undefined, diskBytes: 10e9 },
};
