/** The whole of the probe's process: loads the addon that its argument names, computes 1 + 1, and says what it saw. */
import { loadTensorFlow } from '../tensorflow/addon.ts';
import { ANSWER, type ProbeAnswer } from './probe.ts';

const [addon] = process.argv.slice(2);
if (addon === undefined) throw new Error('The probe needs the path of an addon.');

let answer: ProbeAnswer;
try {
  const tf = loadTensorFlow(addon);
  const backend = tf.backend() as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
  const sum = tf.add(1, 1).dataSync()[0] ?? Number.NaN;
  answer = { tensorflow: backend.binding.TF_Version, usesGpu: backend.isUsingGpuDevice, sum };
} catch (error) {
  // What the loader said, rather than what to do about it: that is for the set-up.
  const { cause = error } = error as Error;
  answer = { fault: cause instanceof Error ? cause.message : String(cause) };
}
process.stdout.write(`${ANSWER}${JSON.stringify(answer)}\n`);
