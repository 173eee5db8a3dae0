import { describe, expect, it } from 'vitest';
import { findStrategy } from '../../../src/cli/cluster/strategies.ts';
import { modeLines, setMode, type Mode } from '../../../src/cli/requests/set-mode.ts';
import { ClusterInMemory, type StrategyParts } from '../support/cluster-in-memory.ts';

function cluster(mode: string, parts: StrategyParts = {}): ClusterInMemory {
  const made = new ClusterInMemory();
  made.strategy('kernel', { spec: { execution: { mode } }, ...parts });
  return made;
}

async function set(on: ClusterInMemory, mode: Mode): Promise<string> {
  const located = await findStrategy(on.connection, 'kernel', () => undefined);
  return modeLines(await setMode(on.connection, located, mode), mode).join('\n');
}

function modeOf(on: ClusterInMemory): unknown {
  return on.stored('kernel').spec?.['execution'];
}

/** Records a writer of spec.execution.mode, as the API server does. */
function writtenBy(on: ClusterInMemory, ...managers: string[]): void {
  const fieldsV1 = { 'f:spec': { 'f:execution': { 'f:mode': {} } } };
  const managedFields = managers.map((manager) => ({ manager, fieldsV1 }));
  on.change('kernel', (each) => ({ ...each, metadata: { ...each.metadata, ...{ managedFields } } }));
}

describe('hold and suspend', () => {
  it('set the mode, guarded, and say what that does', async () => {
    const on = cluster('Run');
    let conflicts = 0;
    on.before = ({ method }) => {
      if (method === 'PATCH' && conflicts++ === 0)
        on.change('kernel', (each) => ({ ...each, status: { message: 'first' } }));
    };
    expect(await set(on, 'Hold')).toBe(
      'patchstrategy/kernel in namespace careen-hosts: execution.mode was Run, is now Hold\n' +
        'a stage under way ends as planned; no further one begins',
    );
    expect([modeOf(on), conflicts]).toEqual([{ mode: 'Hold' }, 2]);
    expect(await set(on, 'Suspend')).toContain(
      'execution.mode was Hold, is now Suspend\nno new effect begins',
    );
    expect(modeOf(on)).toEqual({ mode: 'Suspend' });
  });

  it('write nothing when the mode is set already', async () => {
    const on = cluster('Hold');
    expect(await set(on, 'Hold')).toContain('execution.mode is Hold already');
    expect(on.requests.filter((each) => each.startsWith('PATCH'))).toEqual([]);
  });

  it('name the GitOps tool that will write its own mode again, and nobody else', async () => {
    const on = cluster('Run');
    writtenBy(on, 'kubectl-edit', 'careen-mode');
    expect(await set(on, 'Hold')).not.toContain('spec.execution.mode, too');
    writtenBy(on, 'argocd-controller', 'kubectl-edit');
    expect(await set(on, 'Suspend')).toContain('argocd-controller writes spec.execution.mode, too: ');
  });

  it('say that Hold does not end what a request has allowed', async () => {
    const run = {
      ...{ id: 'r', planDigest: 'sha256:0', specDigest: 'sha256:0', fleetRevision: '1', pool: 'default' },
      ...{ builtAt: '2026-11-27T09:00:00Z', authority: { throughStage: 3 } },
    };
    const parts = (on: Mode) => ({ spec: { execution: { mode: on } }, status: { state: 'applying', run } });
    const [held, suspended] = [cluster('', parts('Suspend')), cluster('', parts('Hold'))];
    // A status without a uid that is newer than the object is its own.
    expect(await set(held, 'Hold')).toContain(
      'a request has allowed the run to go on through stage 3, in any mode',
    );
    expect(await set(suspended, 'Suspend')).not.toContain('a request has allowed');
  });
});
