/** The constraints of owners that the trace of a session shows to be broken. */
import type { PlayedSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import type { RecordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';
import { firstName } from '../../../src/cli/vectors/sessions/simulated-constraints.ts';

export function brokenConstraints({ world }: RecordedSession, { trace }: PlayedSession): string[] {
  const found: string[] = [];
  const origin = (name: string) => world.instances.find(({ id }) => id === firstName(name));
  const groupOf = (name: string): string => {
    const { project = '', constraint } = origin(name) ?? {};
    return `${project}/${constraint?.groupRef ?? ''}`;
  };
  const boundsOf = (name: string) => world.groups[origin(name)?.constraint?.groupRef ?? ''];
  /** By the first name: when the instance is no longer affected. */
  const affected = new Map<string, number>();
  const hosts = new Map(world.instances.map(({ id, host }) => [id, host]));
  const agreed = new Map<string, string>();
  let state = '';

  const affect = (name: string, at: number, until: number): void => {
    affected.set(firstName(name), until);
    const now = [...affected].filter(([each, end]) => groupOf(each) === groupOf(name) && end > at);
    const { maxImpactedMembers = 0 } = boundsOf(name) ?? {};
    const names = new Set([firstName(name), ...now.map(([each]) => each)]);
    if (names.size > maxImpactedMembers)
      found.push(
        `${[...names].join(', ')} are affected at once, at most ${String(maxImpactedMembers)} may be`,
      );
  };
  const recover = (name: string, at: number): void =>
    affect(name, at, at + (boundsOf(name)?.recoverySeconds ?? 0) * 1000);
  const arrive = (name: string, host: string): void => {
    hosts.set(name, host);
    const { antiAffinity = false, maxInstancesPerHost = 1 } = boundsOf(name) ?? {};
    const there = [...hosts].filter(([each, at]) => at === host && groupOf(each) === groupOf(name));
    if (antiAffinity && there.length > maxInstancesPerHost)
      found.push(`${there.map(([each]) => each).join(', ')} share ${host}`);
  };

  for (const event of trace) {
    switch (event.kind) {
      case 'state':
        state = event.state;
        break;
      case 'asked':
        if (event.instance !== undefined) agreed.delete(event.instance);
        break;
      case 'answered':
        if (event.instance !== undefined && event.state.startsWith('ACK_'))
          agreed.set(
            event.instance,
            event.actions[0] ?? origin(event.instance)?.constraint?.migrationType ?? '',
          );
        break;
      case 'moving': {
        const { leadTimeSeconds, migrationType = '' } = origin(event.instance)?.constraint ?? {};
        const action = leadTimeSeconds === 0 ? migrationType : agreed.get(event.instance);
        if (action !== 'MIGRATE' && action !== 'LIVE_MIGRATE')
          found.push(`${event.instance} moves; its owner has said ${action ?? 'nothing'}`);
        affect(event.instance, event.at ?? 0, Infinity);
        break;
      }
      case 'move':
        recover(event.instance, event.at ?? 0);
        arrive(event.instance, event.target ?? '');
        break;
      case 'called-off':
        affected.delete(firstName(event.instance));
        break;
      case 'removed':
        hosts.delete(event.instance);
        if (state === 'PREPARE_MAINTENANCE' || state === 'PLANNED_MAINTENANCE')
          recover(event.instance, event.at);
        break;
      case 'added':
        arrive(event.instance, event.host);
        break;
      default:
    }
  }
  return found;
}
