import { RunFailure } from '../errors.ts';
import type { Member } from './member.ts';

/** That a process failed, with what is known of it and of all others at this moment. */
export function failureOf(
  member: Member,
  cause: unknown,
  members: Iterable<Member>,
  stages: ReadonlyMap<string, readonly number[]>,
): RunFailure {
  const stagesOf = ({ role }: Member): readonly number[] => stages.get(role ?? '') ?? [];
  return new RunFailure(member.role ?? member.id, {
    stages: stagesOf(member),
    during: member.doing,
    step: member.step,
    output: member.child?.output ?? '',
    cause,
    processes: [...members].map((each) => each.facts(stagesOf(each))),
  });
}
