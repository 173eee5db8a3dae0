import type { Alarm } from './inventory.ts';
import type { Profile } from './profile.ts';
import type { Request } from './request.ts';

/** The alarms that keep a strategy from being built (starlingx-vim.md §6.1). */
export function countingAlarms(profile: Profile, { kind, inputs }: Request): readonly Alarm[] {
  const ignored = new Set([...(profile.ignoredAlarms[kind] ?? []), ...inputs.ignoreAlarms]);
  const relaxed = inputs.params['alarm-restrictions'] === 'relaxed';
  return inputs.alarms.filter(
    ({ alarmId, mgmtAffecting }) => !(relaxed && mgmtAffecting === 'False') && !ignored.has(alarmId),
  );
}
