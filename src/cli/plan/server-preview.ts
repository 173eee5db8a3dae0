/** What will happen to a server, in the output of `careen plan`. Pure. */
import type { Operation } from '../../hostops/openstack/placing/server-operations.ts';

export type ServerPreview = {
  readonly id: string;
  readonly name: string;
  /** The id of its project. */
  readonly project: string;
  readonly host: string;
  readonly how: Operation['next']['kind'];
  /** The kind of place that it may go to; absent: it looks for none. */
  readonly to?: string;
  /** How many hosts are such a place and have room, were it the only server to move. */
  readonly hosts?: number;
  /** Why it finds no place, stays, or leaves later only. */
  readonly why?: string;
};

export function serverPreview({ server, host, next, place, unplaced }: Operation): ServerPreview {
  const { id, name, projectId: project } = server;
  const why = unplaced?.why ?? ('reason' in next ? next.reason : undefined);
  return {
    ...{ id, name, project, host, how: next.kind },
    ...(place ? { to: place.words, hosts: place.hosts } : {}),
    ...(why === undefined ? {} : { why }),
  };
}
