/** The workflow `default` (fenix.md §6): projects choose for all their instances on a host, which move one after another. */
import { hostByHost } from './host-by-host.ts';
import { emptyingStage } from './rounds.ts';

export const defaultWorkflow = hostByHost(emptyingStage);
