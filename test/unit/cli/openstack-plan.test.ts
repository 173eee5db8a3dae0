/** The plan of a pool of compute hosts, as `careen plan` prints it. */
import { describe, expect, it } from 'vitest';
import type { PlannedPool } from '../../../src/cli/plan/planned-pool.ts';
import { planFor, previewOf, type Preview } from '../../../src/cli/plan/preview.ts';
import { previewText } from '../../../src/cli/plan/preview-text.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import {
  instancesBefore,
  operationsOn,
  placementOn,
} from '../../../src/hostops/openstack/placing/server-operations.ts';
import { SERVER_WORDS } from '../../../src/hostops/openstack/leaving/server-words.ts';
import { flavored, group, NOW, scene, server, sized } from '../hostops/openstack/cloud-objects.ts';
import { kernelPatch, strategySpec } from '../support/simulated-run.ts';

const SPEC = hostPoolSpec.parse({
  provider: { openstack: { identityRef: { name: 'login', cloudName: 'prod' } } },
  maxUnavailable: 1,
});
const NAMES = ['compute-0', 'compute-1', 'compute-2'];
const ROOM = { VCPU: 4, MEMORY_MB: 4096, DISK_GB: 50 };
const SERVERS = [
  server({ id: 'id-web', name: 'web', projectId: 'shop', host: 'compute-0', pinnedZone: 'az1' }),
  server({
    id: 'id-tpm',
    name: 'vault',
    projectId: 'safe',
    host: 'compute-0',
    flavor: flavored({ 'hw:tpm_version': '2.0' }),
  }),
  server({ id: 'id-off', name: 'off', projectId: 'shop', host: 'compute-0', status: 'SHUTOFF' }),
  server({ id: 'id-snap', name: '', projectId: 'shop', host: 'compute-1', taskState: 'image_snapshot' }),
  server({ id: 'id-big', name: 'big', projectId: 'shop', host: 'compute-1', flavor: sized({ diskGb: 90 }) }),
  ...NAMES.map((host) => server({ id: `db-on-${host}`, name: `db-on-${host}`, projectId: 'shop', host })),
];
const GROUPS = [group(NAMES.map((host) => `db-on-${host}`))];

function preview(): Preview {
  const zones = Object.fromEntries(NAMES.map((name) => [name, 'az1']));
  const of = scene(Object.fromEntries(NAMES.map((name) => [name, ROOM])), {
    servers: SERVERS,
    groups: GROUPS,
    zones,
  });
  const policy = { coldMigration: false, evacuation: false, stops: false, maxMigrationsPerHost: 1 };
  const pool: PlannedPool = {
    pool: { name: 'vms', spec: SPEC, keptByOtherPools: [] },
    words: SERVER_WORDS,
    hosts: NAMES.map((name) => ({
      ...{ name, roles: ['worker'], facts: {}, unwell: [], outOfService: false, closedToNewWork: false },
      instances: instancesBefore(name, of, policy, NOW),
    })),
    placement: (away) => placementOn(away, of, policy, NOW),
    operations: (away) => operationsOn(away, of, policy, NOW),
  };
  const { current: _none, ...patch } = kernelPatch;
  const spec = strategySpec({ patches: [patch] });
  const strategy = { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'kernel', spec } as const;
  return previewOf(strategy, pool, planFor(strategy, pool, 0));
}

describe('the plan of compute hosts', () => {
  it('has for each server how it leaves and to what kind of place', () => {
    const text = previewText(preview()).join('\n');
    expect(text.slice(text.indexOf('Stage 0: what'), text.indexOf('warns:'))).toMatchInlineSnapshot(`
      "Stage 0: what happens to 4 servers on compute-0:
        SERVER           PROJECT  HOST       HOW              TO
        db-on-compute-0  shop     compute-0  live             nowhere: is of server group db
                                                              (anti-affinity), of which each other host in
                                                              service that may take it has a member
        off              shop     compute-0  cold, confirmed  any host (2)
        vault            safe     compute-0  stays            cannot move live (its flavor asks for a vTPM
                                                              without hw:tpm_secret_security=host), and
                                                              the pool allows no cold migration of running
                                                              servers
                                                              (spec.provider.openstack.coldMigration):
                                                              stop it, or move it: openstack server
                                                              migrate id-tpm
        web              shop     compute-0  live             a host of zone az1 (2)

      Stage 1: what happens to 3 servers on compute-1:
        SERVER           PROJECT  HOST       HOW    TO
        db-on-compute-1  shop     compute-1  live   nowhere: is of server group db (anti-affinity), of
                                                    which each other host in service that may take it has
                                                    a member
        big              shop     compute-1  live   nowhere: needs 90 GB of local disk, and no host that
                                                    may take it has more than 50 GB of local disk free
        id-snap          shop     compute-1  later  is busy (image_snapshot) and is asked to leave after
                                                    that; then any host (2)

      Stage 2: what happens to 1 server on compute-2:
        SERVER           PROJECT  HOST       HOW   TO
        db-on-compute-2  shop     compute-2  live  nowhere: is of server group db (anti-affinity), of
                                                   which each other host in service that may take it has a
                                                   member

      "
    `);
  });

  it('has the same as data', () => {
    expect(preview().stages.map(({ servers }) => servers)).toMatchInlineSnapshot(`
      [
        [
          {
            "host": "compute-0",
            "hosts": 0,
            "how": "live-migrate",
            "id": "db-on-compute-0",
            "name": "db-on-compute-0",
            "project": "shop",
            "to": "a host without another of group db",
            "why": "is of server group db (anti-affinity), of which each other host in service that may take it has a member",
          },
          {
            "host": "compute-0",
            "hosts": 2,
            "how": "cold-migrate",
            "id": "id-off",
            "name": "off",
            "project": "shop",
            "to": "any host",
          },
          {
            "host": "compute-0",
            "how": "stuck",
            "id": "id-tpm",
            "name": "vault",
            "project": "safe",
            "why": "cannot move live (its flavor asks for a vTPM without hw:tpm_secret_security=host), and the pool allows no cold migration of running servers (spec.provider.openstack.coldMigration): stop it, or move it: openstack server migrate id-tpm",
          },
          {
            "host": "compute-0",
            "hosts": 2,
            "how": "live-migrate",
            "id": "id-web",
            "name": "web",
            "project": "shop",
            "to": "a host of zone az1",
          },
        ],
        [
          {
            "host": "compute-1",
            "hosts": 0,
            "how": "live-migrate",
            "id": "db-on-compute-1",
            "name": "db-on-compute-1",
            "project": "shop",
            "to": "a host without another of group db",
            "why": "is of server group db (anti-affinity), of which each other host in service that may take it has a member",
          },
          {
            "host": "compute-1",
            "hosts": 0,
            "how": "live-migrate",
            "id": "id-big",
            "name": "big",
            "project": "shop",
            "to": "any host",
            "why": "needs 90 GB of local disk, and no host that may take it has more than 50 GB of local disk free",
          },
          {
            "host": "compute-1",
            "hosts": 2,
            "how": "wait",
            "id": "id-snap",
            "name": "",
            "project": "shop",
            "to": "any host",
            "why": "is busy (image_snapshot) and is asked to leave after that",
          },
        ],
        [
          {
            "host": "compute-2",
            "hosts": 0,
            "how": "live-migrate",
            "id": "db-on-compute-2",
            "name": "db-on-compute-2",
            "project": "shop",
            "to": "a host without another of group db",
            "why": "is of server group db (anti-affinity), of which each other host in service that may take it has a member",
          },
        ],
      ]
    `);
  });

  it('has the findings about them', () => {
    expect(preview().findings.map(({ reason, subjects, message }) => [reason, subjects, message]))
      .toMatchInlineSnapshot(`
      [
        [
          "InstancesStuck",
          [
            "compute-0",
          ],
          "the drain of compute-0 waits until its deadline: server vault of project safe cannot move live (its flavor asks for a vTPM without hw:tpm_secret_security=host), and the pool allows no cold migration of running servers (spec.provider.openstack.coldMigration): stop it, or move it: openstack server migrate id-tpm",
        ],
        [
          "NoTarget",
          [
            "compute-0",
            "compute-1",
            "compute-2",
          ],
          "the drain of compute-0, compute-1, compute-2 waits until its deadline: server db-on-compute-0 of project shop is of server group db (anti-affinity), of which each other host in service that may take it has a member, and 3 others can go nowhere either",
        ],
        [
          "StageCut",
          [
            "HostPool vms",
          ],
          "HostPool vms allows 1 host out of service at once, so stages of workers hold 1 and not 2 (maxParallelWorkerHosts)",
        ],
      ]
    `);
  });

  it.each([100, 80, 60, 40])('keeps to a terminal of %i columns', (width) => {
    const lines = previewText(preview(), width).filter((line) => !line.startsWith('plan sha256:'));
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
  });
});
