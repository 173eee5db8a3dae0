import type { StepStatus } from '../crds/patch-strategy-status.ts';
import type { HostName } from '../planner/facts.ts';
import { lockHost } from './steps/lock-hosts.ts';
import { migrateInstances } from './steps/migrate-instances-from-host.ts';
import { queryAlarms } from './steps/query-alarms.ts';
import { patchHost } from './steps/sw-patch-hosts.ts';
import { stabilizeHost } from './steps/system-stabilize.ts';
import { unlockHost } from './steps/unlock-hosts.ts';
import { failed, type HostStep, type Verdict } from './steps/verdict.ts';
import { verifyHost } from './steps/verify.ts';

export type HostVerdict = { readonly host: HostName; readonly verdict: Verdict };

/** Judges how far a step is: one verdict for each of its hosts. */
export type Evaluate = (step: StepStatus, hosts: readonly HostStep[]) => readonly HostVerdict[];

/** The native judgement of every kind of step, by what is observed. */
export const evaluateStep: Evaluate = (step, hosts) => {
  const judge = judgeOf(step);
  return hosts.map((host) => ({ host: host.name, verdict: judge(host) }));
};

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
  }
}
