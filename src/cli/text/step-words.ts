/** The words of Kubernetes for steps, which have the names of the VIM. Pure. */
import type { StepName } from '../../crds/vocabulary.ts';

const WORDS: Readonly<Partial<Record<StepName, string>>> = {
  'query-alarms': 'check',
  'lock-hosts': 'cordon',
  'migrate-instances-from-host': 'drain',
  'stop-instances': 'stop',
  'sw-patch-hosts': 'patch',
  'stage-hosts': 'stage',
  'start-upgrade': 'start',
  'upgrade-hosts': 'upgrade',
  'rollback-hosts': 'bring back',
  'activate-upgrade': 'activate',
  'complete-upgrade': 'complete',
  'system-stabilize': 'settle',
  'unlock-hosts': 'uncordon',
  'swact-hosts': 'switch',
  'disable-host-services': 'close',
  'enable-host-services': 'open',
  'migrate-instances': 'drain',
  'start-instances': 'start again',
  'reboot-hosts': 'reboot',
  'wait-data-sync': 'sync',
  'wait-alarms-clear': 'clear',
};

/** What a step does, in a word of Kubernetes: `drain` for migrate-instances-from-host. */
export function stepWord(step: StepName): string {
  return WORDS[step] ?? step;
}

/** Both words: `drain (migrate-instances-from-host)`. */
export function stepWords(step: StepName): string {
  const word = WORDS[step];
  return word === undefined ? step : `${word} (${step})`;
}
