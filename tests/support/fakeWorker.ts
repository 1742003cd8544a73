import { lampVersion } from '../../src/config/version.ts';
import { ControlClient } from '../../src/transport/control.ts';
import {
  replyKinds,
  replySchema,
  requestSchema,
  type HostFacts,
  type Reply,
  type Request,
} from '../../src/transport/protocol.ts';

/** What it answers to a request, beside kind and id; nothing more unless said. */
type Answer = (request: Request) => object;

/** A worker of another host as the coordinator sees it, and no process: it says hello, and answers whatever it is asked. */
export class FakeWorker {
  readonly id: string;
  /** What it was asked. */
  readonly asked: Request[] = [];
  readonly #client: ControlClient<Request, Reply>;
  readonly #closed = new AbortController();

  private constructor(coordinator: string, id: string) {
    this.id = id;
    const schemas = { incoming: requestSchema, outgoing: replySchema };
    this.#client = ControlClient.connect({ endpoint: coordinator, peer: id, ...schemas });
  }

  static async come(
    coordinator: string,
    id: string,
    facts: Partial<HostFacts> = {},
    answer: Answer = () => ({}),
  ): Promise<FakeWorker> {
    const worker = new FakeWorker(coordinator, id);
    const host = { name: 'far', agent: id, processes: 1, gpu: null, threads: 1, memory: 2 ** 30, ...facts };
    await worker.#client.send({ kind: 'hello', pid: 1, key: null, host: { version: lampVersion(), ...host } });
    void worker.#serve(answer);
    return worker;
  }

  async #serve(answer: Answer): Promise<void> {
    for await (const request of this.#client.messages(this.#closed.signal)) {
      if (request.kind === 'malformed') throw new Error(request.reason);
      this.asked.push(request);
      const usual = request.kind === 'start' ? { engine: 'cpu', device: 'CPU' } : {};
      const body = { ...usual, ...answer(request), kind: replyKinds[request.kind], id: request.id };
      await this.#client.send(body as Reply);
    }
  }

  async leave(again: boolean): Promise<void> {
    await this.#client.send({ kind: 'leaving', problem: 'it has gone', again });
  }

  close(): void {
    this.#closed.abort();
    this.#client.close();
  }
}
