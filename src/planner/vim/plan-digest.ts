import { digest } from '../digest.ts';
import type { Request } from './request.ts';
import type { Stage } from './steps.ts';

/**
 * The digest of a plan under review: its profile and create request, its stages, their steps and timeouts, and the
 * hosts of each step. Instances do not count: they may migrate without a change of the steps on the hosts.
 */
export function planDigest(profile: string, { kind, inputs }: Request, stages: readonly Stage[]): string {
  return digest({
    kind,
    profile,
    params: inputs.params,
    stages: stages.map(({ name, steps }) => ({
      name,
      steps: steps.map(({ name: stepName, timeoutSeconds, entities }) => ({
        name: stepName,
        timeoutSeconds,
        ...(entities.type === 'hosts' ? { hosts: entities.names } : {}),
      })),
    })),
  });
}
