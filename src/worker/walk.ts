import { formatAction, type Action } from '../pipeline/action.ts';
import type { ActionMessages } from '../pipeline/messages.ts';
import type { Span } from '../transport/protocol.ts';

/** What a worker does for each kind of action; `arrived` is called when all that the action needs is here. */
export interface Acts {
  forward(action: ActionMessages, arrived: () => void): Promise<void>;
  backward(action: ActionMessages, arrived: () => void): Promise<void>;
  weights(action: ActionMessages, arrived: () => void): void;
}

/**
 * Walks a worker's part of the schedule: one action after the other, in the order of the list. Deadlock cannot happen here
 * if the validator let the schedule pass.
 */
export async function walk(
  actions: readonly ActionMessages[],
  acts: Acts,
  options: {
    signal: AbortSignal;
    doing: (action: string) => Promise<void>;
    /** Milliseconds since the step began. */
    now: () => number;
    done?: (action: Action) => void;
  },
): Promise<Span[]> {
  const { now } = options;
  const spans: Span[] = [];
  for (const each of actions) {
    options.signal.throwIfAborted();
    const text = formatAction(each.action);
    await options.doing(text);
    const begin = now();
    let waited = begin;
    const arrived = (): void => void (waited = now());
    switch (each.action.kind) {
      case 'F':
        await acts.forward(each, arrived);
        break;
      case 'B':
      case 'I':
        await acts.backward(each, arrived);
        break;
      case 'W':
        acts.weights(each, arrived);
        break;
    }
    spans.push({ action: text, begin, waited, end: now() });
    options.done?.(each.action);
  }
  return spans;
}
