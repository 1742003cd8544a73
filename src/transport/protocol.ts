import type { z } from 'zod';
import { dismissalSchema, requestSchema, type endpointSchema } from './protocol/requests.ts';
import { hostSchema, replySchema } from './protocol/replies.ts';

export { dismissalSchema, hostSchema, replySchema, requestSchema };

export type Request = z.infer<typeof requestSchema>;
export type Reply = z.infer<typeof replySchema>;
export type Source = Extract<Request, { kind: 'feed' }>['source'];

type Stepped = Extract<Reply, { kind: 'stepped' }>;
export type Span = Stepped['spans'][number];
export type SentTensor = Stepped['sent'][number];
export type ReceivedTensor = Stepped['received'][number];
/** Where in a step a value came up that is not finite. */
export type FoundNotFinite = NonNullable<Stepped['found']>;
/** Where a process listens, and by which key it is known. */
export type LinkEndpoint = z.infer<typeof endpointSchema>;
/** Where a worker's parameters begin. */
export type Beginning = RequestOf<'configure'>['begin'];
/** What a worker of another host says of itself. */
export type HostFacts = NonNullable<Extract<Reply, { kind: 'hello' }>['host']>;

/** Why a process is sent away. */
export type Dismissal = z.infer<typeof dismissalSchema>;

/** The kind of the reply to each kind of request. */
export const replyKinds = {
  welcome: 'joined',
  look: 'looked',
  start: 'started',
  profile: 'profiled',
  probe: 'probed',
  bind: 'bound',
  connect: 'connected',
  configure: 'configured',
  step: 'stepped',
  apply: 'applied',
  discard: 'discarded',
  snapshot: 'snapped',
  hand: 'handed',
  take: 'taken',
  store: 'stored',
  abandon: 'abandoned',
  dump: 'dumped',
  feed: 'fed',
  memory: 'remembered',
  clock: 'told',
  stop: 'stopped',
} as const satisfies Record<Request['kind'], Reply['kind']>;

type ReplyKinds = typeof replyKinds;

export type RequestOf<K extends Request['kind']> = Extract<Request, { kind: K }>;
export type ReplyTo<K extends Request['kind']> = Extract<Reply, { kind: ReplyKinds[K] }>;
