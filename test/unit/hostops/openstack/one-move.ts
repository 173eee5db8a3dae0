/** How one server leaves its host, in the usual situation. */
import {
  nextMove,
  type MovePolicy,
  type NextMove,
  type Situation,
} from '../../../../src/hostops/openstack/leaving/next-move.ts';
import type { Server } from '../../../../src/openstack/compute-answers.ts';
import { HOST, NOW, server } from './cloud-objects.ts';

export const NOTHING_ALLOWED: MovePolicy = { coldMigration: false, evacuation: false };
export const ALL_ALLOWED: MovePolicy = { coldMigration: true, evacuation: true };

/** The next move of a server, on a host that is up in a pool that allows nothing special. */
export function move(fields: Partial<Server>, more: Partial<Situation> = {}): NextMove {
  const usual = { host: HOST, migrations: [], hostIsUp: true, policy: NOTHING_ALLOWED, now: NOW };
  const unknown = { queuedAt: new Map(), hasShares: false, fault: undefined };
  return nextMove({ ...usual, ...unknown, server: server(fields), ...more });
}
