import { isDeepStrictEqual } from 'node:util';
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';

/** Whether two statuses differ at most in messages, findings, and the reasons why hosts wait. No decision reads those. */
export function differInVolatileFieldsOnly(one: StrategyStatus, other: StrategyStatus): boolean {
  return isDeepStrictEqual(withoutVolatileFields(one), withoutVolatileFields(other));
}

function withoutVolatileFields({
  message: _message,
  findings: _findings,
  conditions = [],
  progress,
  ...rest
}: StrategyStatus): unknown {
  const hosts = progress?.hosts.map((host) => (host.result === 'wait' ? { ...host, reason: '' } : host));
  return {
    ...rest,
    progress: progress && { ...progress, hosts },
    conditions: conditions.map(({ type, status, reason, observedGeneration }) => [
      type,
      status,
      reason,
      observedGeneration,
    ]),
  };
}
