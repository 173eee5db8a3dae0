import type { StepStatus } from '../crds/patch-strategy-status.ts';
import type { StepName } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/facts.ts';
import { guardAgainstUncordon } from './steps/foreign-uncordon.ts';
import { lockHost } from './steps/lock-hosts.ts';
import { migrateInstances } from './steps/migrate-instances-from-host.ts';
import { queryAlarms } from './steps/query-alarms.ts';
import { patchHost } from './steps/sw-patch-hosts.ts';
import { stabilizeHost } from './steps/system-stabilize.ts';
import { unlockHost } from './steps/unlock-hosts.ts';
import { failed, type HostStep, type Verdict } from './steps/verdict.ts';
import { verifyHost } from './steps/verify.ts';

const KEPT_CLOSED: ReadonlySet<StepName> = new Set([
  'lock-hosts',
  'migrate-instances-from-host',
  'sw-patch-hosts',
  'verify',
]);

export type HostVerdict = { readonly host: HostName; readonly verdict: Verdict };

/** Judges how far a step is: one verdict for each of its hosts. */
export type Evaluate = (step: StepStatus, hosts: readonly HostStep[]) => readonly HostVerdict[];

/** The native judgement of every kind of step, by what is observed. */
export const evaluateStep: Evaluate = (step, hosts) => {
  const judge = guarded(step.name, judgeOf(step));
  return hosts.map((host) => ({ host: host.name, verdict: judge(host) }));
};

/** Between its lock and its release a host is to be closed: each look at it begins with that. */
function guarded(step: StepName, judge: (host: HostStep) => Verdict): (host: HostStep) => Verdict {
  return KEPT_CLOSED.has(step) ? (host) => guardAgainstUncordon(host, judge) : judge;
}

function judgeOf({ name }: StepStatus): (host: HostStep) => Verdict {
  switch (name) {
    case 'query-alarms':
      return ({ view, stepStartedAt }) => queryAlarms(view, stepStartedAt);
    case 'lock-hosts':
      return lockHost;
    case 'migrate-instances-from-host':
      return migrateInstances;
    case 'sw-patch-hosts':
      return patchHost;
    case 'verify':
      return verifyHost;
    case 'system-stabilize':
      return stabilizeHost;
    case 'unlock-hosts':
      return unlockHost;
    case 'query-sw-patches':
    case 'query-sw-patch-hosts':
      return () => failed(`${name} belongs to the build phase`);
    default:
      return () => failed(`${name} is a step of the VIM that is not carried out on these hosts`);
  }
}
