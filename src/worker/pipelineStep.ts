import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import { consistency } from '../losses/consistency.ts';
import type { Loss, LossResult, LossTarget } from '../losses/loss.ts';
import { isLocal, messageKey, type ActionMessages, type Message } from '../pipeline/messages.ts';
import type { RequestOf } from '../transport/protocol.ts';
import type { TensorAddress } from '../transport/tensorMessage.ts';
import { Custody } from './custody.ts';
import type { Finiteness } from './finiteness.ts';
import type { Mailbox } from './mailbox.ts';
import type { Stage } from './stage.ts';
import { withNoise } from './noise.ts';
import type { StepRecord } from './stepRecord.ts';
import type { Teacher } from './teacher.ts';

/** Who the peers of a worker are. */
export interface PeerNames {
  readonly worker: (index: number) => string;
  readonly loader: string;
  readonly sink: string;
}

export interface StepContext {
  readonly engine: Engine;
  readonly mailbox: Mailbox;
  readonly peers: PeerNames;
  readonly stages: ReadonlyMap<number, Stage>;
  readonly lastStage: number;
  readonly loss: Loss;
  /** Of the loss, where it has any. */
  readonly classWeights: readonly number[] | undefined;
  readonly request: RequestOf<'step'>;
  /** Where the run has one. */
  readonly teacher: Teacher | undefined;
  readonly record: StepRecord;
  /** Where all that the step makes is to be looked at. */
  readonly check: Finiteness | undefined;
  /** Takes over the gradient of a micro-batch's input, where that was asked for. */
  readonly takeInputGradient: (microBatch: number, gradient: Tensor) => void;
}

/**
 * One step as one worker sees it: for each action, takes what it needs from the mailbox, runs the stage, and sends what came
 * out.
 *
 *     F  image │ activation, skips  ─▶ stage ─▶ activation, skips │ at the last stage: loss, its gradient kept for B
 *     B  gradient, skip gradients   ─▶ stage ─▶ gradient, skip gradients       I likewise; W neither takes nor sends
 */
export class PipelineStep {
  /** Sum of the micro-batches' contributions, where the last stage is here. */
  loss: number | undefined;
  readonly #context: StepContext;
  readonly #custody = new Custody();
  readonly #lossGradients = new Map<number, Tensor>();
  /** Sum of the class weights over all voxels of the mini-batch. */
  #weightTotal: Promise<number> | undefined;

  constructor(context: StepContext) {
    this.#context = context;
  }

  async forward({ action, needs, sends }: ActionMessages, arrived: () => void): Promise<void> {
    const { request, stages, lastStage, check } = this.#context;
    const { stage, microBatch } = action;
    const received = await this.#take(needs);
    const input = received.main ?? (await this.#takeImage(stage, microBatch));
    this.#custody.release(received.main, ...received.skips.values());
    arrived();
    if (!received.main) check?.input(stage, microBatch, input);
    const runner = stages.get(stage)!;
    const cells = check?.ofStage(stage, microBatch);
    const { output, stashes } =
      request.purpose === 'train'
        ? runner.forward(microBatch, request.microBatches.length, input, received.skips, this.#draws(microBatch), cells)
        : runner.evaluate(input, received.skips, cells);
    if (stage === lastStage) {
      for (const skip of stashes.values()) this.#custody.hold(skip);
      await this.#finish(microBatch, output);
    }
    await this.#give(sends, stage === lastStage ? undefined : output, stashes);
  }

  /** The images of a micro-batch, with what noise the step asks for. */
  async #takeImage(stage: number, microBatch: number): Promise<Tensor> {
    const { engine, request, mailbox, peers } = this.#context;
    const image = await mailbox.take(peers.loader, { kind: 'image', ...this.#place(stage, microBatch) });
    return request.noise
      ? withNoise(engine, image, this.#draws(microBatch), {
          deviation: request.noise,
          teacher: request.teacher ?? false,
        })
      : image;
  }

  /** The backward pass, or its first half: what is received and sent is the same. */
  async backward({ action, needs, sends }: ActionMessages, arrived: () => void): Promise<void> {
    const { stage, kind, microBatch } = action;
    const received = await this.#take(needs);
    const gradient = received.main ?? this.#takeLossGradient(microBatch);
    this.#custody.release(received.main, ...received.skips.values());
    arrived();
    const runner = this.#context.stages.get(stage)!;
    const cells = this.#context.check?.ofStage(stage, microBatch);
    const back =
      kind === 'I'
        ? runner.backwardInput(microBatch, gradient, received.skips, cells)
        : runner.backward(microBatch, gradient, received.skips, cells);
    if (stage === 0 && back.input) this.#context.takeInputGradient(microBatch, back.input);
    await this.#give(sends, stage === 0 ? undefined : back.input, back.skips);
  }

  /** The second half of a backward pass: nothing is received and nothing sent. */
  weights({ action }: ActionMessages, arrived: () => void): void {
    arrived();
    const { stage, microBatch } = action;
    this.#context.stages.get(stage)!.backwardWeights(microBatch, this.#context.check?.ofStage(stage, microBatch));
  }

  /** Waits for an action's messages: the one tensor of the chain, if it comes from another stage, and skips by name. All are held. */
  async #take(needs: readonly Message[]): Promise<{ main: Tensor | undefined; skips: Map<string, Tensor> }> {
    const { mailbox, peers, record } = this.#context;
    let main: Tensor | undefined;
    const skips = new Map<string, Tensor>();
    for (const message of needs) {
      const tensor = this.#custody.hold(await mailbox.take(peers.worker(message.fromWorker), this.#address(message)));
      if (!isLocal(message)) record.received.push({ key: messageKey(message), at: record.now() });
      if (message.skip === undefined) main = tensor;
      else skips.set(message.skip, tensor);
    }
    return { main, skips };
  }

  async #give(sends: readonly Message[], main: Tensor | undefined, skips: ReadonlyMap<string, Tensor>): Promise<void> {
    const { mailbox, peers, record } = this.#context;
    for (const tensor of [main, ...skips.values()]) this.#custody.hold(tensor);
    for (const message of sends) {
      const tensor = message.skip === undefined ? main : skips.get(message.skip);
      if (!tensor)
        throw new Error(`nothing to send as ${message.kind} of stage ${message.fromStage}: the routes are wrong`);
      this.#custody.release(tensor);
      let begin = 0;
      const copied = (): void => void (begin = record.now());
      const bytes = await mailbox.give(peers.worker(message.toWorker), this.#address(message), tensor, copied);
      if (!isLocal(message)) record.sent.push({ key: messageKey(message), bytes, begin, end: record.now() });
    }
  }

  /** What the last stage does with its output: the loss and its gradient, and the prediction to whoever wants it. */
  async #finish(microBatch: number, logits: Tensor): Promise<void> {
    const { request, engine, mailbox, peers, lastStage, teacher } = this.#context;
    try {
      if (request.purpose === 'train') await this.#evaluateLoss(microBatch, logits);
      if (request.output === 'kept') teacher?.keep(microBatch, engine.share(logits));
      if (request.output === 'none' || request.output === 'kept') return;
      const address: TensorAddress = { kind: 'output', ...this.#place(lastStage, microBatch) };
      if (request.output === 'logits') await mailbox.give(peers.sink, address, engine.share(logits));
      else {
        const classes = engine.math.argMax(logits, -1);
        const [values, shape] = [Uint8Array.from(engine.read(classes)), [...classes.shape]];
        classes.dispose();
        await mailbox.send(peers.sink, address, values, shape);
      }
    } finally {
      logits.dispose();
    }
  }

  async #evaluateLoss(microBatch: number, logits: Tensor): Promise<void> {
    const { request, mailbox, peers, lastStage, check } = this.#context;
    const place = this.#place(lastStage, microBatch);
    this.#weightTotal ??= this.#takeWeightTotal();
    const weightTotal = await this.#weightTotal;
    const labels = this.#custody.hold(await mailbox.take(peers.loader, { kind: 'label', ...place }));
    const flags = await mailbox.take(peers.loader, { kind: 'flags', ...place });
    this.#custody.release(labels);
    const batchSize = request.shared?.samples ?? request.microBatches.reduce((sum, size) => sum + size, 0);
    const { value, gradient } = this.#lossOf(microBatch, logits, { labels, flags, batchSize, weightTotal });
    labels.dispose();
    flags.dispose();
    check?.loss(lastStage, microBatch, { value, gradient });
    this.loss = (this.loss ?? 0) + value;
    this.#lossGradients.set(microBatch, gradient);
  }

  /** The loss of the labels, and how far the student is from its teacher where that counts. */
  #lossOf(microBatch: number, logits: Tensor, target: LossTarget): LossResult {
    const { engine, loss, request, teacher } = this.#context;
    const labelled = loss.evaluate(engine, logits, target);
    if (!request.consistency || !teacher) return labelled;
    const taught = teacher.take(microBatch);
    const held = consistency(engine, loss, { student: logits, teacher: taught }, target, request.consistency);
    const gradient = engine.math.add(labelled.gradient, held.gradient);
    [taught, labelled.gradient, held.gradient].forEach((tensor) => tensor.dispose());
    return { value: labelled.value + held.value, gradient };
  }

  /** Σ voxels · weight over the classes: the loader says how many voxels each has, before the first labels. */
  async #takeWeightTotal(): Promise<number> {
    const { engine, classWeights, mailbox, peers, lastStage } = this.#context;
    const counts = await mailbox.take(peers.loader, { kind: 'counts', ...this.#place(lastStage, 0) });
    let total = 0;
    for (const [index, voxels] of engine.read(counts).entries()) total += voxels * (classWeights?.[index] ?? 1);
    counts.dispose();
    // Where nothing that counts is there, the loss is 0 and not 0/0.
    return Math.max(total, 1e-30);
  }

  #takeLossGradient(microBatch: number): Tensor {
    const gradient = this.#lossGradients.get(microBatch);
    if (!gradient)
      throw new Error(`backward of micro-batch ${microBatch} before its loss: the schedule was not validated`);
    this.#lossGradients.delete(microBatch);
    return gradient;
  }

  #address({ kind, skip, toStage, microBatch }: Message): TensorAddress {
    const place = this.#place(toStage, microBatch);
    return kind === 'skip' || kind === 'skipGradient' ? { kind, skip: skip!, ...place } : { kind, ...place };
  }

  #place(stage: number, microBatch: number): { step: number; stage: number; microBatch: number } {
    return { step: this.#context.request.step, stage, microBatch };
  }

  /** The names of the random draws of a micro-batch's samples. */
  #draws(microBatch: number): readonly string[] {
    const { microBatches, draws } = this.#context.request;
    const offset = microBatches.slice(0, microBatch).reduce((sum, size) => sum + size, 0);
    return draws.slice(offset, offset + microBatches[microBatch]!);
  }

  dispose(): void {
    this.#custody.dispose();
    for (const gradient of this.#lossGradients.values()) gradient.dispose();
    this.#lossGradients.clear();
  }
}
