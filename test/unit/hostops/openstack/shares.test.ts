/** Which servers Nova is asked about for their shares of Manila, and which are found to have some. */
import { beforeEach, describe, expect, it } from 'vitest';
import { serversWithShares } from '../../../../src/hostops/openstack/placing/shares.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import type { Hypervisor, Server } from '../../../../src/openstack/compute-answers.ts';
import { Placement } from '../../../../src/openstack/placement.ts';
import { answer, NOVA, PLACEMENT, ScriptedCloud } from '../../openstack/scripted-cloud.ts';
import { flavored, server } from './cloud-objects.ts';

const PROVIDERS = `GET ${PLACEMENT}/resource_providers?required=COMPUTE_MEM_BACKING_FILE`;
const hypervisors = ['h1', 'h2'].map((host): Hypervisor => ({
  ...{ id: `id-of-${host}`, hostname: host, serviceHost: host },
  ...{ type: undefined, version: undefined, hostIp: undefined, uptime: undefined },
}));
const sharesOf = (id: string): string => `GET ${NOVA}/servers/${id}/shares`;
const SOME = answer(200, { shares: [{ share_id: 'x', status: 'active', tag: 'x' }] });
const NONE = answer(200, { shares: [] });

let cloud: ScriptedCloud;
beforeEach(() => {
  cloud = new ScriptedCloud();
  cloud.hasPlacement = true;
  cloud.versions = { version: { id: 'v2.1', version: '2.97', min_version: '2.1' } };
  cloud.on(PROVIDERS, answer(200, { resource_providers: [{ uuid: 'id-of-h1' }] }));
});

async function sharing(...servers: readonly Server[]): Promise<readonly string[]> {
  const session = cloud.session();
  const clients = { compute: new Compute(session), placement: new Placement(session) };
  const found = await serversWithShares(clients, { servers, hypervisors }, new AbortController().signal);
  return [...found].toSorted();
}

describe('servers with shares', () => {
  it('are looked for among those of hosts with memory in files, and those with large pages', async () => {
    cloud.on(sharesOf('a'), SOME);
    cloud.on(sharesOf('b'), NONE);
    cloud.on(sharesOf('c'), SOME);
    const large = flavored({ 'hw:mem_page_size': 'large' });
    const found = await sharing(
      ...[server({ id: 'a', host: 'h1' }), server({ id: 'b', host: 'h1' })],
      ...[server({ id: 'c', host: 'h2', flavor: large }), server({ id: 'd', host: 'h2' })],
    );
    expect(found).toEqual(['a', 'c']);
    expect(cloud.asked(sharesOf('d'))).toEqual([]);
  });

  it('are known by their flavors alone while Placement does not answer', async () => {
    cloud.on(PROVIDERS, answer(403, {}));
    cloud.on(sharesOf('c'), SOME);
    const large = flavored({ 'hw:mem_page_size': '2048' });
    expect(await sharing(server({ id: 'a', host: 'h1' }), server({ id: 'c', flavor: large }))).toEqual(['c']);
  });

  it('are not those that were deleted meanwhile, or whose shares the login may not see', async () => {
    cloud.on(sharesOf('a'), answer(404, {}));
    cloud.on(sharesOf('b'), answer(403, {}));
    cloud.on(sharesOf('c'), SOME);
    const on = { host: 'h1' };
    const all = ['a', 'b', 'c'].map((id) => server({ id, ...on }));
    expect(await sharing(...all)).toEqual(['c']);
  });

  it('are not in a Nova that attaches none yet', async () => {
    cloud.versions = { version: { id: 'v2.1', version: '2.96', min_version: '2.1' } };
    expect(await sharing(server({ id: 'a', host: 'h1' }))).toEqual([]);
  });
});
