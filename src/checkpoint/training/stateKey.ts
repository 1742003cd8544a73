/**
 * What a key of the state stands for. Names are those of PyTorch, which have dots and no slash:
 *
 *     encoder.1.Down.conv.0.conv.weight              a parameter or a buffer
 *     exp_avg/encoder.1.Down.conv.0.conv.weight      an optimizer's slot for it
 *     teacher/encoder.1.Down.conv.0.conv.weight      the teacher's
 */
export type StateKey =
  | { readonly kind: 'weight'; readonly name: string }
  | { readonly kind: 'teacher'; readonly name: string }
  | { readonly kind: 'slot'; readonly slot: string; readonly name: string };

const TEACHER = 'teacher';

export function parseStateKey(key: string): StateKey {
  const slash = key.indexOf('/');
  if (slash < 0) return { kind: 'weight', name: key };
  const [slot, name] = [key.slice(0, slash), key.slice(slash + 1)];
  return slot === TEACHER ? { kind: 'teacher', name } : { kind: 'slot', slot, name };
}

export function formatStateKey(key: StateKey): string {
  if (key.kind === 'weight') return key.name;
  return `${key.kind === 'teacher' ? TEACHER : key.slot}/${key.name}`;
}
