import { channelsLast } from '../../checkpoint/pytorchLayout.ts';
import { SafetensorsFile } from '../../checkpoint/safetensors.ts';
import type { Source } from '../../transport/protocol.ts';
import { samplesOf, type Batch, type Feed, type FeedSample } from './feed.ts';

/**
 * Mini-batches as a reference case holds them, in PyTorch's layout: `input` (steps, batch, channels, …), with `labels` and `flags`,
 * or with the gradient of the output, `grad_output`.
 */
export class ReplayFeed implements Feed {
  readonly #file: SafetensorsFile;

  private constructor(file: SafetensorsFile) {
    this.#file = file;
  }

  static async open(path: string): Promise<ReplayFeed> {
    return new ReplayFeed(await SafetensorsFile.open(path));
  }

  async batch(source: Source): Promise<Batch> {
    if (source.kind !== 'replay') throw new Error(`a reference case has no ${source.kind} source`);
    const input = await this.#slice('input', source.step);
    const { shape, values } = channelsLast(input.values as Float32Array, input.shape);
    if (this.#file.entries.has('grad_output'))
      return this.#withGradient(samplesOf(shape, { images: values }), source.step);
    const labels = await this.#slice('labels', source.step);
    const flags = await this.#slice('flags', source.step);
    return samplesOf(shape, {
      images: values,
      labels: labels.values as Uint8Array,
      flags: flags.values as Float32Array,
    });
  }

  async #withGradient(samples: readonly FeedSample[], step: number): Promise<Batch> {
    const gradient = await this.#slice('grad_output', step);
    const { shape, values } = channelsLast(gradient.values as Float32Array, gradient.shape);
    const each = samplesOf(shape, { images: values });
    return samples.map((sample, s) => ({
      ...sample,
      outputGradient: { shape: each[s]!.shape, values: each[s]!.image },
    }));
  }

  /** One step of a tensor whose first axis counts the steps. */
  async #slice(name: string, step: number): Promise<{ shape: readonly number[]; values: Float32Array | Uint8Array }> {
    const tensor = await this.#file.read(name);
    const [steps = 0, ...shape] = tensor.shape;
    if (step >= steps) throw new Error(`${this.#file.path} has ${steps} steps, and step ${step} was asked for`);
    const size = tensor.values.length / steps;
    return { shape, values: (tensor.values as Float32Array).slice(step * size, (step + 1) * size) };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
