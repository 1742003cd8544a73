import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineName } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import type { Pass } from '../../src/layers/layer.ts';
import { backwardInputSequence, backwardSequence, backwardWeightsSequence } from '../../src/layers/sequence.ts';
import { draw, fillStore, gradientsOf, parameterValues, passOf, relativeError, valuesOf } from './bench.ts';
import { layerCases, type LayerCase } from './cases.ts';

interface Outcome {
  readonly output: number[];
  readonly input: number[];
  readonly gradients: Record<string, number[]>;
}

/** Forward and backward of one layer through its public door; `halves` splits the backward pass. */
function run(engine: Engine, { layer, input, values, mode }: LayerCase, halves: boolean): Outcome {
  const store = fillStore(engine, [layer]);
  const pass = passOf(engine, store, mode ? { mode } : {});
  const x = engine.tensor(draw('x', input, values), input);
  const { output, saved } = layer.forward(pass, x);
  x.dispose();
  const dy = engine.tensor(draw('dy', output.shape), output.shape);
  const outcome = (dx: tf.Tensor): Outcome => ({
    output: valuesOf(engine, output),
    input: valuesOf(engine, dx),
    gradients: gradientsOf(engine, store),
  });
  let result: Outcome;
  if (halves) {
    const first = backwardInputSequence(pass, [layer], [saved], dy);
    backwardWeightsSequence(pass, first.held);
    result = outcome(first.input);
  } else result = outcome(backwardSequence(pass, [layer], [saved], dy)!);
  store.dispose();
  return result;
}

/** The same by tfjs's tape over plain operations, on plain tfjs. */
function runReference(engine: Engine, layerCase: LayerCase): Outcome {
  const { layer } = layerCase;
  const store = fillStore(engine, [layer]);
  const drawn = layer.parameters.map((spec) => parameterValues(engine, store, spec.name));
  store.dispose();
  const backend = tf.getBackend();
  void tf.setBackend('cpu');
  try {
    tf.engine().startScope();
    return tapeOutcome(layerCase, drawn);
  } finally {
    tf.engine().endScope();
    void tf.setBackend(backend);
  }
}

function tapeOutcome({ layer, input, values, reference }: LayerCase, drawn: readonly number[][]): Outcome {
  const x = tf.tensor(draw('x', input, values), [...input]);
  const parameters = layer.parameters.map((spec, i) => tf.tensor(drawn[i]!, [...spec.shape]));
  const learnt = layer.parameters.flatMap((spec, i) => (spec.role === 'parameter' ? [i] : []));
  const apply = (first: tf.Tensor, ...moved: tf.Tensor[]) =>
    reference(
      first,
      parameters.map((parameter, i) => moved[learnt.indexOf(i)] ?? parameter),
    );
  const variables = [x, ...learnt.map((i) => parameters[i]!)] as const;
  const output = apply(...variables);
  const dy = tf.tensor(draw('dy', output.shape), output.shape);
  const [dx, ...rest] = tf.grads(apply)([...variables], dy);
  return {
    output: Array.from(output.dataSync()),
    input: Array.from(dx!.dataSync()),
    gradients: Object.fromEntries(
      learnt.map((index, i) => [layer.parameters[index]!.name, Array.from(rest[i]!.dataSync())]),
    ),
  };
}

/** Σ dy·y, in double precision, of the layer at input + h·direction or at its parameters + h·direction. */
function lossAt(engine: Engine, layerCase: LayerCase, h: number, moved: string): number {
  const { layer, input, values, mode } = layerCase;
  const store = fillStore(engine, [layer]);
  const move = (name: string, start: Float32Array | number[], shape: readonly number[]) => {
    const direction = draw(`direction of ${name}`, shape);
    return Float32Array.from(start, (value, i) => value + (name === moved ? h : 0) * direction[i]!);
  };
  for (const spec of layer.parameters) {
    const tensor = engine.tensor(move(spec.name, parameterValues(engine, store, spec.name), spec.shape), spec.shape);
    store.variable(spec.name).assign(tensor);
    tensor.dispose();
  }
  const pass = passOf(engine, store, { keep: false, ...(mode ? { mode } : {}) });
  const x = engine.tensor(move('x', draw('x', input, values), input), input);
  const { output } = layer.forward(pass, x);
  x.dispose();
  store.dispose();
  const dy = draw('dy', output.shape);
  return valuesOf(engine, output).reduce((sum, y, i) => sum + y * dy[i]!, 0);
}

/** What a small step along a random direction changes, where it is not what the gradient says. */
function finiteDifferenceFault(
  engine: Engine,
  layerCase: LayerCase,
  name: string,
  gradient: readonly number[],
): string[] {
  const h = 4e-3;
  const measured = (lossAt(engine, layerCase, h, name) - lossAt(engine, layerCase, -h, name)) / (2 * h);
  const shape = name === 'x' ? layerCase.input : layerCase.layer.parameters.find((spec) => spec.name === name)!.shape;
  const direction = draw(`direction of ${name}`, shape);
  const terms = gradient.map((value, i) => value * direction[i]!);
  const said = terms.reduce((sum, term) => sum + term, 0);
  const scale = Math.hypot(...terms);
  return Math.abs(measured - said) < 5e-3 * scale + 1e-3 ? [] : [`${name}: measured ${measured}, said ${said}`];
}

function checkLayer(engineOf: () => Engine, layerCase: LayerCase): void {
  const { layer, input, values, mode } = layerCase;

  test('its output and gradients are those of the tape', () => {
    const engine = engineOf();
    const ours = run(engine, layerCase, false);
    const theirs = runReference(engine, layerCase);
    expect(relativeError(ours.output, theirs.output)).toBeLessThan(2e-5);
    expect(relativeError(ours.input, theirs.input)).toBeLessThan(1e-4);
    expect(Object.keys(ours.gradients)).toEqual(Object.keys(theirs.gradients));
    const far = Object.entries(ours.gradients).filter(
      ([name, gradient]) => !(relativeError(gradient, theirs.gradients[name]!) < 1e-4),
    );
    expect(far).toEqual([]);
  });

  test('its gradients agree with finite differences', () => {
    const engine = engineOf();
    const ours = run(engine, layerCase, false);
    const gradients = Object.entries({ x: ours.input, ...ours.gradients });
    expect(gradients.flatMap((entry) => finiteDifferenceFault(engine, layerCase, ...entry))).toEqual([]);
  });

  test('the halves of its backward pass give what the whole gives', () => {
    const engine = engineOf();
    expect(run(engine, layerCase, true)).toEqual(run(engine, layerCase, false));
  });

  test('it leaves no tensor behind, and keeps nothing where nothing is to be kept', () => {
    const engine = engineOf();
    run(engine, layerCase, false);
    const before = engine.memory();
    const kept = run(engine, layerCase, true);
    expect(engine.memory()).toEqual(before);
    const store = fillStore(engine, [layer]);
    const pass: Pass = passOf(engine, store, { keep: false, ...(mode ? { mode } : {}) });
    const x = engine.tensor(draw('x', input, values), input);
    const forward = layer.forward(pass, x);
    expect(forward.saved).toEqual([]);
    expect(forward.output.shape).toEqual(layer.outputShape(input));
    expect(valuesOf(engine, forward.output)).toEqual(kept.output);
    x.dispose();
    store.dispose();
    expect(engine.memory()).toEqual(before);
  });
}

/** Every check on every layer, in two and three dimensions. */
export function checkLayersOn(name: EngineName): void {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({ name });
  });
  afterAll(() => tf.disposeVariables());

  describe.each([2, 3] as const)('in %d dimensions', (dims) => {
    describe.each(layerCases(dims))('$title', (layerCase) => {
      checkLayer(() => engine, layerCase);
    });
  });
}
