import { clockTime } from '../telemetry/clockTime.ts';
import { childLog } from '../telemetry/log/childLog.ts';
import { Peer } from '../transport/peer.ts';
import { lookInto } from './lookInto.ts';
import { Session } from './session.ts';

// A worker at a glance: it receives a request, does it, and replies.
const peer = await Peer.fromArguments(childLog);
const session = new Session(peer);

await peer.serve({
  handlers: {
    start: (request) => session.start(request),
    profile: (request) => session.profile(request),
    probe: (request) => session.probe(request),
    bind: (request) => session.bind(request),
    connect: (request) => session.connect(request),
    configure: (request) => session.configure(request),
    step: (request) => session.step(request),
    apply: (request) => session.apply(request),
    discard: () => session.discard(),
    snapshot: (request) => session.snapshot(request),
    hand: (request) => session.keeping.hand(request),
    take: (request) => session.keeping.take(request),
    store: (request) => session.keeping.store(request),
    dump: (request) => session.dump(request),
    look: lookInto,
    memory: () => session.memory(),
    clock: async () => ({ now: clockTime() }),
  },
  atOnce: ['hand', 'take', 'store'],
  abandon: () => session.abandon(),
  dispose: () => session.dispose(),
});
