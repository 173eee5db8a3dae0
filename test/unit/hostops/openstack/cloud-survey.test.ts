/** What is read of a cloud for a plan, where a real one cannot be made to answer so. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readSurvey, type CloudSurvey } from '../../../../src/hostops/openstack/placing/cloud-survey.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import { Placement } from '../../../../src/openstack/placement.ts';
import { answer, NOVA, PLACEMENT, ScriptedCloud } from '../../openstack/scripted-cloud.ts';

const CANDIDATES = `GET ${PLACEMENT}/allocation_candidates?resources=MEMORY_MB%3A1`;
const HOSTS = { aggregates: [], hypervisors: [] };

let cloud: ScriptedCloud;

beforeEach(() => {
  cloud = new ScriptedCloud();
  const since = encodeURIComponent(new Date(cloud.clock.now() - 86_400_000).toISOString());
  cloud.on(`GET ${NOVA}/servers/detail?all_tenants=true&limit=500`, answer(200, { servers: [] }));
  cloud.on(
    `GET ${NOVA}/os-server-groups?all_projects=true&limit=500&offset=0`,
    answer(200, { server_groups: [] }),
  );
  cloud.on(`GET ${NOVA}/os-migrations?changes-since=${since}&limit=500`, answer(200, { migrations: [] }));
});

/** The catalogue has Placement, too. */
function withPlacement(): void {
  cloud.hasPlacement = true;
  cloud.on(
    `GET ${PLACEMENT}/resource_providers?required=COMPUTE_MEM_BACKING_FILE`,
    answer(200, { resource_providers: [] }),
  );
}

async function survey(signal = new AbortController().signal): Promise<CloudSurvey> {
  const session = cloud.session();
  const clients = { compute: new Compute(session), placement: new Placement(session) };
  return readSurvey(clients, HOSTS, cloud.clock.now(), signal);
}

describe('the room on hosts', () => {
  it('is that of a host and its parts together', async () => {
    withPlacement();
    const summary = (root: string, resources: object, traits: readonly string[]) => ({
      ...{ root_provider_uuid: root, parent_provider_uuid: null, resources, traits },
    });
    const provider_summaries = {
      h1: summary('h1', { VCPU: { capacity: 8, used: 3 } }, ['CUSTOM_A']),
      card1: summary('h1', { VGPU: { capacity: 2, used: 2 } }, ['CUSTOM_B']),
      card2: summary('h1', { VGPU: { capacity: 2, used: 1 } }, []),
      h2: summary('h2', { VCPU: { capacity: 8, used: 9 } }, []),
    };
    cloud.on(CANDIDATES, answer(200, { allocation_requests: [], provider_summaries }));
    expect((await survey()).rooms).toEqual({
      kind: 'known',
      of: new Map([
        [
          'h1',
          {
            ...{ free: { VCPU: 5, VGPU: 1 }, capacity: { VCPU: 8, VGPU: 4 } },
            traits: new Set(['CUSTOM_A', 'CUSTOM_B']),
          },
        ],
        ['h2', { free: { VCPU: -1 }, capacity: { VCPU: 8 }, traits: new Set() }],
      ]),
    });
  });

  it('is unknown in a cloud without Placement, or for a user without the right', async () => {
    expect((await survey()).rooms).toEqual({
      kind: 'unknown',
      why: 'the catalogue of cloud lab has no service of type placement: it has compute',
    });
    withPlacement();
    cloud.on(CANDIDATES, answer(403, { errors: [{ detail: 'not yours' }] }));
    const { rooms } = await survey();
    expect(rooms).toMatchObject({ kind: 'unknown', why: expect.stringContaining('not yours') as string });
  });
});

it('a survey that Nova refuses fails', async () => {
  cloud.on(
    `GET ${NOVA}/servers/detail?all_tenants=true&limit=500`,
    answer(403, { forbidden: { code: 403, message: 'no' } }),
  );
  await expect(survey()).rejects.toMatchObject({ kind: 'forbidden' });
});

it('a survey that is given up ends', async () => {
  withPlacement();
  const stopping = new AbortController();
  cloud.on(CANDIDATES, async (_, signal) => {
    stopping.abort(new Error('stopped'));
    signal.throwIfAborted();
    throw new Error('it was not aborted');
  });
  await expect(survey(stopping.signal)).rejects.toThrow('stopped');
});
