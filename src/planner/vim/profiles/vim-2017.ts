import type { Profile } from '../profile.ts';
import { VIM_2020 } from './vim-2020.ts';

/** The VIM of the samples in the old API reference (starlingx-vim.md §13.1). */
export const VIM_2017: Profile = {
  ...VIM_2020,
  name: 'vim-2017',
  timeoutSeconds: {
    ...VIM_2020.timeoutSeconds,
    'unlock-hosts': 900,
    'migrate-instances': 900,
    'upgrade-hosts': 1800,
  },
  settleSeconds: 0,
  stabilizeInPlaceSeconds: 60,
  controllerDataSyncSeconds: 7200,
};
