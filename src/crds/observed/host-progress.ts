/** The outage of a host in the status of a strategy, and what its stage remembers of it. */
import { z } from 'zod';
import { result } from './result.ts';
import { objectName, text, time } from '../schema/schema.ts';
import { JOB_RESULTS, MANUAL_RESULTS, OUTAGE_LEVELS, STEP_NAMES } from '../vocabulary.ts';

/** How many alarms, and how many taints, a host is recorded with at the beginning of its outage. */
export const KEPT_FROM_BEFORE = 64;

/** How many pods that may come back are remembered for a host. */
export const KEPT_ASKED = 256;

const fromBefore = {
  since: time().describe('When the outage began.'),
  alarmsBefore: z
    .array(text(350))
    .max(KEPT_FROM_BEFORE)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The alarm conditions that were True before the outage, and since when.'),
  taintsBefore: z
    .array(text(400))
    .max(KEPT_FROM_BEFORE)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The taints that the host had before the outage, as KEY:EFFECT.'),
};

export const released = z
  .object({ name: objectName().describe('The host.'), ...fromBefore })
  .describe('A host that was given back while its stage still watches it.');
export type ReleasedHost = z.infer<typeof released>;

const hostJob = z.object({
  action: text(63).describe('The patch that the Job applies, or reboot.'),
  name: text(63).describe('The name of the Job, in the namespace of the strategy.'),
  uid: text(36).describe('The uid of the Job.'),
  result: z
    .enum(JOB_RESULTS)
    .optional()
    .describe(
      'How the Job ended, recorded when it was first seen: the Job may be deleted afterwards. not-started: it ended or ' +
        'was withdrawn before any container of it had started. Absent until then.',
    ),
  withdrawn: z
    .literal(true)
    .optional()
    .describe(
      'The run suspends and deletes the Job, because no container of it has started; only then is the host released.',
    ),
  reason: z.string().max(1024).optional().describe('Why the Job failed or did not start.'),
});
export type HostJob = z.infer<typeof hostJob>;

const manualWork = z.object({
  action: text(63).describe('The patch, or the part of an upgrade, that a person does.'),
  since: time().describe('Since when the host waits for that person.'),
  deadline: time().describe(
    'Until when. It is later by the time that the run was suspended, or nobody watched it.',
  ),
  result: z
    .enum(MANUAL_RESULTS)
    .optional()
    .describe(
      'How it ended: done or failed, as a request said. overdue, proceeded: no request came in time. Absent until then.',
    ),
  request: text(63).optional().describe('The id of the request that said so.'),
});
export type ManualWork = z.infer<typeof manualWork>;

export const hostProgress = z
  .object({
    name: objectName().describe('The host.'),
    uid: z
      .string()
      .max(64)
      .optional()
      .describe('The uid of the host. Another uid under the same name is another host.'),
    level: z.enum(OUTAGE_LEVELS).describe('away: out of service. touched: patched in place.'),
    step: z.enum(STEP_NAMES).describe('The step that the host is in, or failed in.'),
    attempt: z.int().min(1).max(100).describe('The number of this attempt of the action.'),
    ...fromBefore,
    result,
    reason: z.string().max(1024).optional().describe('Why the host waits, or why it failed.'),
    patches: z
      .array(text(63))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('The patches that the host lacked when it was locked, in order.'),
    bootIdBefore: z
      .string()
      .max(64)
      .optional()
      .describe('The boot id before the reboot that the patches require.'),
    unfinished: z
      .array(text(63))
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'The patches whose Jobs may have changed the host and did not succeed, before its stage was restarted. A retry does ' +
          'them again, whatever the host shows.',
      ),
    unrebooted: z
      .string()
      .max(64)
      .optional()
      .describe(
        'The boot id under which Jobs that require a reboot changed the host, before its stage was restarted. While the ' +
          'host has it, the reboot is still to come.',
      ),
    jobs: z
      .array(hostJob)
      .max(33)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['action'] })
      .describe('The Jobs that were made for the host in this outage.'),
    manual: z
      .array(manualWork)
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['action'] })
      .describe('The work that persons were asked to do on the host in this outage.'),
    closedToNewWorkBefore: z
      .boolean()
      .optional()
      .describe(
        'Whether a cordon of the host is not ours: it was cordoned before the outage and was not seen uncordoned since, ' +
          'or its claim was lost while it was uncordoned. It then stays cordoned after its release.',
      ),
    mayReturn: z
      .object({
        asked: z
          .array(
            z.object({
              uid: text(64).describe('The uid of the pod.'),
              controller: text(400).describe('Its controller, as NAMESPACE/KIND NAME.'),
            }),
          )
          .max(KEPT_ASKED)
          .optional()
          .meta({ 'x-kubernetes-list-type': 'atomic' })
          .describe(
            'The pods that were asked to leave. Another pod of the same controller has come back, and is not asked.',
          ),
        emptySince: time().optional().describe('Since when the host has been empty after that.'),
      })
      .optional()
      .describe(
        'Set once a pod was seen on the host that its cordon does not keep away. The controller of the pod may start ' +
          'another one there, so the host counts as empty only after it has stayed so for a while.',
      ),
    uncordoned: z.boolean().optional().describe('Whether somebody uncordoned the host during the outage.'),
    verified: z
      .boolean()
      .optional()
      .describe('Whether the host was verified and is about to be released, where it was patched in place.'),
    failedBefore: z
      .boolean()
      .optional()
      .describe(
        'Whether the host had failed when its stage was restarted. It stays locked until work on it begins again.',
      ),
    releaseAsked: z
      .boolean()
      .optional()
      .describe('Whether somebody requested the release of the host as it is.'),
  })
  .describe('A host with an open outage.');
export type HostProgress = z.infer<typeof hostProgress>;
