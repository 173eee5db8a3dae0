import { describe, expect, it } from 'vitest';
import { patchStrategy } from '../../../src/resources/stored-strategy.ts';
import { kernelPatch } from '../support/simulated-run.ts';

const metadata = { name: 's', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '' };
const spec = { poolRef: 'gpu', patches: [kernelPatch], reboot: { job: kernelPatch.action.job } };

describe('a stored strategy', () => {
  it('with a readable spec is read as it is', () => {
    const read = patchStrategy.parse({ metadata, spec });
    expect(read.spec).toMatchObject(spec);
    expect(read).not.toHaveProperty('unreadable');
  });

  it.each([
    { mode: 'Run', is: 'Hold' },
    { mode: 'Suspend', is: 'Suspend' },
    { mode: 'Abort', is: 'Abort' },
    { mode: 7, is: 'Hold' },
  ])('with an unreadable spec says where and why, and begins nothing in mode $mode', ({ mode, is }) => {
    const read = patchStrategy.parse({
      metadata,
      spec: { ...spec, workerApplyType: 'sideways', execution: { mode } },
    });
    expect(read.unreadable).toContain('the spec cannot be read by this version of Careen: ');
    expect(read.unreadable).toContain('spec.workerApplyType: Invalid option');
    expect(read.spec).toMatchObject({ poolRef: 'gpu', patches: [], execution: { mode: is } });
  });

  it.each([undefined, 'nothing', { poolRef: 7 }])('is read with any spec: %j', (spoilt) => {
    const read = patchStrategy.parse({ metadata, spec: spoilt });
    expect(read).toMatchObject({ spec: { poolRef: 'default', execution: { mode: 'Hold' } } });
    expect(read.unreadable).toMatch(/^the spec cannot be read/);
  });
});
