/**
 * Every event that Careen reports: a closed set of reasons, each with its action
 * and type. docs/reference/metrics-and-events.md has the same table; a test
 * compares the two.
 */
export type EventAction = 'Plan' | 'Apply' | 'Abort' | 'Lock' | 'Release' | 'Request' | 'Sweep' | 'Lead';

export type EventDefinition = {
  readonly action: EventAction;
  readonly type: 'Normal' | 'Warning';
  /** When it is reported, for people. */
  readonly when: string;
};

const normal = (action: EventAction, when: string): EventDefinition => ({ action, type: 'Normal', when });
const warning = (action: EventAction, when: string): EventDefinition => ({ action, type: 'Warning', when });

export const EVENTS = {
  PlanBuilt: normal('Plan', 'A plan was built'),
  BuildFailed: warning('Plan', 'No plan could be built'),
  PlanStageLost: warning('Plan', 'A PlanStage of a large plan is missing or was changed; the note names it'),
  PoolOverlap: warning(
    'Plan',
    'The pool selects hosts of an older pool and grants no permits until that is fixed',
  ),
  ApplyStarted: normal('Apply', 'A run begins'),
  StageStarted: normal('Apply', 'A stage begins'),
  StageDone: normal('Apply', 'A stage ended well'),
  Applied: normal('Apply', 'A run ended well'),
  ApplyFailed: warning('Apply', 'A step failed or ran out of time, and the run ended'),
  Suspended: normal('Apply', 'No new effect starts, because the mode is Suspend'),
  Resumed: normal('Apply', 'A suspended run continues'),
  Aborting: normal('Abort', 'An abort begins'),
  Aborted: normal('Abort', 'Every host was released'),
  AbortFailed: warning('Abort', 'A host could not be released'),
  HostLocked: normal('Lock', 'Hosts were taken out of service; one event has all that were taken together'),
  HostFailed: warning('Lock', 'A step failed on a host'),
  HostUncordoned: warning('Lock', 'Somebody else uncordoned a host that Careen holds'),
  HostLeft: warning('Release', 'A host left the cluster or the pool before its stage was done with it'),
  HostNotStaged: warning('Apply', 'A host that is not staged is left out of the run; the note says why'),
  HostSkipped: warning('Apply', 'A request left a host out of the run'),
  HostReleased: normal('Release', 'Hosts were released; one event has all that were released together'),
  InstancesNotStarted: warning(
    'Release',
    'A host was released, and servers that were stopped for its outage do not start; the note names them',
  ),
  HostLeftLocked: warning('Release', 'A host stays locked; the note says why and what ends it'),
  SessionState: normal('Apply', 'A maintenance session is in another state'),
  ProjectNotTold: warning('Apply', 'A project cannot be told of a session; the note says why'),
  HostInMaintenance: normal('Apply', 'The actions of a session begin on a host'),
  HostMaintained: normal('Apply', 'The actions of a session on a host have succeeded'),
  RequestAccepted: normal('Request', 'A request was accepted'),
  RequestRefused: warning('Request', 'A request was refused; the note says why'),
  RequestRepeated: warning(
    'Request',
    'A request was placed with an id that was answered already, so nothing is done; the note has the answer',
  ),
  ClaimSwept: warning('Sweep', 'A claim without a permit or a run was removed from a host'),
  PermitFreed: normal('Sweep', 'A permit was freed because its host or its run no longer exists'),
  StrategyRemoved: normal(
    'Sweep',
    'A finished strategy was removed because of spec.retention of its pool; the note says why',
  ),
  PoolRebuilt: warning(
    'Sweep',
    'The status of a pool was lost; its permits were rebuilt from the claims on hosts',
  ),
  KindsOutdated: warning(
    'Lead',
    'No pass is made, because the CRDs in the cluster are not those of this version; the note says what to apply',
  ),
  Deposed: warning('Lead', 'A replica lost leadership and exits'),
} as const satisfies Record<string, EventDefinition>;

export type EventReason = keyof typeof EVENTS;
