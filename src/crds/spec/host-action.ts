/** The actions that a kind may do on a host: one Job, or work of a person. */
import { z } from 'zod';
import { annotationMap, labelMap, rules, seconds, text } from '../schema/schema.ts';
import { MANUAL_TIMEOUTS } from '../vocabulary.ts';

const podSpec = z
  .looseObject({
    containers: z
      .array(
        z.looseObject({
          name: text(63).describe('Name of the container.'),
          image: text(512).describe('Image of the container.'),
        }),
      )
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe(
        'The containers that do the work. A container with an exit code other than 0 fails the step.',
      ),
    nodeName: z.string().max(253).optional().describe('Must not be set: Careen sets it.'),
    nodeSelector: z.looseObject({}).optional().describe('Must not be set: Careen pins the pod to its host.'),
    affinity: z.looseObject({}).optional().describe('Must not be set: Careen pins the pod to its host.'),
    restartPolicy: z
      .string()
      .max(16)
      .optional()
      .describe('Never, or left out: Careen decides about retries.'),
  })
  .meta(
    rules(
      {
        rule: '!has(self.nodeName) && !has(self.nodeSelector) && !has(self.affinity)',
        message:
          'nodeName, nodeSelector and affinity must not be set: Careen pins the pod to the host it works on',
      },
      {
        rule: "!has(self.restartPolicy) || self.restartPolicy == 'Never'",
        message: 'restartPolicy must be Never or left out',
        fieldPath: '.restartPolicy',
      },
    ),
  )
  .describe(
    'A pod spec, as in any Pod. Careen adds nodeName, tolerations for the taints of a host under work, and ' +
      'restartPolicy Never.',
  );

export const job = z
  .object({
    template: z
      .object({
        metadata: z
          .object({
            labels: labelMap(32)
              .optional()
              .describe('Labels for the pod, in addition to those that Careen sets.'),
            annotations: annotationMap(32).optional().describe('Annotations for the pod.'),
          })
          .optional()
          .describe('Metadata for the pod.'),
        spec: podSpec,
      })
      .describe('The pod that runs once on the host, as in a Job.'),
  })
  .describe(
    'A Job that runs on the host: one pod, pinned to it, never restarted. It is in the namespace of the strategy.',
  );
export type JobAction = z.infer<typeof job>;

const manual = z
  .object({
    timeoutSeconds: seconds(1, 604800).describe(
      'How long a person has, from the time at which the host waits for them; at most 7 days. The step waits as much longer.',
    ),
    message: text(256)
      .optional()
      .describe('What is to be done, such as "replace the fan". The status shows it while the host waits.'),
    onTimeout: z
      .enum(MANUAL_TIMEOUTS)
      .default('fail')
      .describe(
        'When nobody has said in time that it is done: fail fails the host, proceed goes on as if it were done.',
      ),
  })
  .describe(
    'Work that a person does. The host waits until a request `done` names it, or until the time is over. No Job runs, so ' +
      'the pool need not allow it.',
  );
export type ManualAction = z.infer<typeof manual>;

const either = z.object({ job: job.optional(), manual: manual.optional() });

/** One piece of work on a host, in a plan. */
export const plannedAction = either;

/** The two fields of an action, and the rule that it has one of them. */
export const actionFields = either.shape;
export const ONE_ACTION = {
  rule: 'has(self.job) != has(self.manual)',
  message: 'must have either job, which runs on the host, or manual, for work that a person does',
};

/** One piece of work on a host, in a spec. */
export const hostAction = either.meta(rules(ONE_ACTION));
export type HostAction = z.infer<typeof hostAction>;
