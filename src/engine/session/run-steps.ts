/** The steps of a session that are no work on a host: each is judged once for the whole stage. */
import type { StepName } from '../../crds/vocabulary.ts';
import type { RunJudge } from '../pass.ts';
import { askProjects } from './ask-projects.ts';
import { askAndMove } from './constraints/ask-and-move.ts';
import { awaitEmpty } from './await-empty.ts';
import { awaitStart } from './await-start.ts';
import { closeHosts } from './close-hosts.ts';
import { fetchDownloads } from './fetch-downloads.ts';
import { moveInstances } from './move-instances.ts';

export const SESSION_STEPS: Readonly<Partial<Record<StepName, RunJudge>>> = {
  'fetch-downloads': fetchDownloads,
  'await-start': awaitStart,
  'ask-projects': askProjects,
  'close-hosts': closeHosts,
  'await-empty': awaitEmpty,
  'move-instances': moveInstances,
  'ask-and-move-instances': askAndMove,
};
