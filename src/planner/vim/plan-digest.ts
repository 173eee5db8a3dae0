import { digest } from '../digest.ts';
import type { Request } from './request.ts';
import type { Stage } from './steps.ts';

/**
 * Identifies a plan as it is reviewed: its profile and create request, its
 * stages, their steps and timeouts and the hosts of each step. Not the
 * instances: they move about without changing what is done to the hosts.
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
