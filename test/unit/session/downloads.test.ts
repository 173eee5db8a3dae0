/** The downloads of a session: before everything else, and in the Jobs of its actions. */
import { expect, it } from 'vitest';
import { downloadViolations } from '../../../src/planner/policy/session-policy.ts';
import { withDownloads } from '../../../src/engine/steps/with-downloads.ts';
import type { Effect } from '../../../src/engine/effect.ts';
import { session } from './simple-session.ts';

const file = { name: 'firmware.bin', url: 'https://downloads.example.com/f.bin', sha256: 'a'.repeat(64) };
const container = { name: 'flash', image: 'flash:1' };
const job = { template: { spec: { containers: [container] } } };
const spec = { downloads: [file], actions: [{ plugin: 'flash', type: 'compute', job }] };
const stored = { name: file.name, sizeBytes: 7, objects: ['careen-download-1-0'] };

it('are fetched before a project is told, stored in the run, and mounted into each Job', async () => {
  const run = await session('firmware', spec);
  await run.until(() => run.reasons.join().includes('download firmware.bin is fetched'));
  expect(run.run.session?.projects).toEqual([]);
  run.downloads.set(file.name, { kind: 'later', reason: 'no answer', retryAt: run.world.now + 30_000 });
  await run.until(() => run.reasons.join().includes('download firmware.bin is tried again: no answer'));
  run.downloads.set(file.name, { kind: 'stored', stored });
  await run.until(() => run.run.session?.downloads !== undefined);
  // Another process knows nothing of it, and needs not: the run does.
  run.downloads.clear();
  await run.until(() => run.run.state === 'applied');
  expect(run.run.session).toMatchObject({ state: 'MAINTENANCE_DONE', downloads: [stored] });
  const made = run.accepted.filter(
    (each): each is Effect & { kind: 'create-job' } => each.kind === 'create-job',
  );
  expect(made.map(({ job: { template } }) => template)).toEqual(
    [1, 2].map(() => ({
      spec: {
        containers: [
          {
            ...container,
            volumeMounts: [{ name: 'careen-downloads', mountPath: '/careen/downloads', readOnly: true }],
          },
        ],
        volumes: [
          {
            name: 'careen-downloads',
            projected: {
              sources: [
                {
                  configMap: {
                    name: 'careen-download-1-0',
                    items: [{ key: 'content', path: 'firmware.bin' }],
                  },
                },
              ],
            },
          },
        ],
      },
    })),
  );
});

it('that cannot be had fail the session before a project is told or a host touched; a retry fetches them again', async () => {
  const run = await session('firmware', spec);
  run.downloads.set(file.name, { kind: 'failed', reason: 'its SHA-256 is another' });
  await run.until(() => run.run.state === 'apply-failed');
  expect(run.run.apply.reason).toContain('download firmware.bin failed: its SHA-256 is another');
  expect(run.run.session).toMatchObject({ state: 'MAINTENANCE_FAILED', projects: [], closed: [] });
  expect(run.accepted).toEqual([]);
  run.downloads.set(file.name, { kind: 'stored', stored });
  run.requests = [{ id: 'q-1', verb: 'retry' }];
  await run.until(() => run.run.state === 'applied');
  expect(run.run.session?.state).toBe('MAINTENANCE_DONE');
});

it('in several parts keep their order, beside the volumes of the action', () => {
  const own = { name: 'own', emptyDir: {} };
  const mount = { name: 'own', mountPath: '/own' };
  const spec = {
    containers: [{ ...container, volumeMounts: [mount] }],
    initContainers: [container],
    volumes: [own],
  };
  const made = withDownloads({ template: { spec } }, [{ ...stored, objects: ['a', 'b'] }]).template.spec;
  const ours = { name: 'careen-downloads', mountPath: '/careen/downloads', readOnly: true };
  expect(made).toMatchObject({
    containers: [{ volumeMounts: [mount, ours] }],
    initContainers: [{ volumeMounts: [ours] }],
    volumes: [
      own,
      {
        projected: {
          sources: [
            { configMap: { name: 'a', items: [{ path: 'firmware.bin.00' }] } },
            { configMap: { name: 'b', items: [{ path: 'firmware.bin.01' }] } },
          ],
        },
      },
    ],
  });
});

it('are judged by the pool: none without its rule, then those of its hosts and sizes', () => {
  const downloads = [file, { ...file, name: 'b', url: 'https://[2001:db8::1]:8443/b', maxBytes: 2000 }];
  expect(downloadViolations({ downloads }, { name: 'gpu', actionPolicy: {} })).toEqual([
    'spec.downloads[0] is set, which HostPool gpu does not admit (actionPolicy.downloads); leave it out',
    'spec.downloads[1] is set, which HostPool gpu does not admit (actionPolicy.downloads); leave it out',
  ]);
  const policy = { hosts: ['*.example.com'], maxBytes: 1000 };
  expect(downloadViolations({ downloads }, { name: 'gpu', actionPolicy: { downloads: policy } })).toEqual([
    'spec.downloads[1].url is of the host 2001:db8::1, which rule actionPolicy.downloads.hosts of HostPool gpu does not ' +
      'admit; use *.example.com',
    'spec.downloads[1].maxBytes is 2000, which rule actionPolicy.downloads.maxBytes of HostPool gpu does not admit; set ' +
      'it to 1000 or less',
  ]);
  const all = { hosts: ['downloads.example.com', '2001:db8::1'], maxBytes: 2000 };
  expect(downloadViolations({ downloads }, { name: 'gpu', actionPolicy: { downloads: all } })).toEqual([]);
  const below = { hosts: ['*.downloads.example.com'], maxBytes: 2000 };
  expect(
    downloadViolations({ downloads: [file] }, { name: 'gpu', actionPolicy: { downloads: below } }),
  ).toHaveLength(1);
});
