/** The peers of a run, by the names that they have on the control plane and that links are called by. */
export const workerName = (index: number): string => `worker ${index}`;
/** The number in a worker's name; NaN for what is none. */
export const numberOf = (name: string): number => Number(/^worker (\d+)$/.exec(name)?.[1] ?? Number.NaN);
export const LOADER = 'loader';
/** Where predictions go: the coordinator. */
export const SINK = 'coordinator';

/** What a link for state is called by, beside the link for activations between the same two: neither holds up the other. */
export const stateLink = (peer: string): string => `${peer} (state)`;

/** What a link of the ring of replicas is called by, on which workers of the same stages sum their gradients. */
export const ringLink = (peer: string): string => `${peer} (ring)`;

const HEART = ' (heart)';
/** The name under which a peer's heart beats: a thread with a socket of its own. */
export const heartOf = (peer: string): string => `${peer}${HEART}`;
const LOOKOUT = ' (lookout)';
/** The name under which whoever started a worker asks the coordinator whether it is still there. */
export const lookoutOf = (peer: string): string => `${peer}${LOOKOUT}`;
/** Whose lookout this is; undefined for anybody else. */
export const lookoutFor = (name: string): string | undefined =>
  name.endsWith(LOOKOUT) ? name.slice(0, -LOOKOUT.length) : undefined;

/** The peer that a message is from, whether its heart sent it or the peer itself. */
export const bodyOf = (name: string): string => (name.endsWith(HEART) ? name.slice(0, -HEART.length) : name);

/** What the gradient of a micro-batch's images is dumped as, beside the parameters'. */
export const inputGradientName = (microBatch: number): string => `input gradient ${microBatch}`;
