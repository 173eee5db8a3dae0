import { InputError } from '../problems/input-error.ts';
import type { Profile } from './profile.ts';
import { VIM_2017 } from './profiles/vim-2017.ts';
import { VIM_2020 } from './profiles/vim-2020.ts';
import { VIM_2024 } from './profiles/vim-2024.ts';
import type { Kind } from './request.ts';

const PROFILES: readonly Profile[] = [VIM_2017, VIM_2020, VIM_2024];

/**
 * The profile with this name.
 * @throws InputError when no profile with strategies of this kind has the name
 */
export function profileFor(name: string, kind: Kind): Profile {
  const having = PROFILES.filter(({ ignoredAlarms }) => ignoredAlarms[kind] !== undefined);
  const found = having.find((profile) => profile.name === name);
  if (found) return found;
  const remedy = `no profile of this name has ${kind}; use ${having.map((each) => each.name).join(', ')}`;
  throw new InputError([{ code: 'unknown-profile', path: ['profile'], value: name, remedy }]);
}
