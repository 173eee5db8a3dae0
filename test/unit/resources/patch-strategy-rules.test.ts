import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { brokenRules } from '../../../src/crds/patch-strategy-rules.ts';
import { patchStrategySpec } from '../../../src/crds/patch-strategy-spec.ts';
import { kernelPatch, kubeletPatch, strategyManifest } from '../../support/operator/strategies.ts';

const CRD = join(import.meta.dirname, '..', '..', '..', 'deploy', 'crds', 'careen.dev_patchstrategies.yaml');

function broken(spec: Record<string, unknown>): string[] {
  const { spec: whole } = strategyManifest('a', 'b', spec);
  return brokenRules(patchStrategySpec.parse(whole)).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );
}

const asking = (operator: string, values?: string[]) => ({
  patches: [
    { ...kernelPatch, current: [{ fact: 'nodeInfo.osImage', operator, ...(values ? { values } : {}) }] },
  ],
});
const podWith = (fields: Record<string, unknown>) => ({
  reboot: { job: { template: { spec: { containers: [{ name: 'a', image: 'b' }], ...fields } } } },
});

const RIGHT: Record<string, unknown>[] = [
  {},
  { patches: [kernelPatch, kubeletPatch] },
  { patches: [kubeletPatch], reboot: undefined },
  asking('In', ['a', 'b']),
  asking('Exists'),
  asking('AtLeast', ['v1.2']),
  podWith({ restartPolicy: 'Never' }),
];

const WRONG: [string, Record<string, unknown>][] = [
  ['patches.0.id', { patches: [{ ...kernelPatch, id: 'reboot' }] }],
  ['patches.1.id', { patches: [kernelPatch, kernelPatch] }],
  ['patches.0.current.0.values', asking('NotIn')],
  ['patches.0.current.0.values', asking('Exists', ['a'])],
  ['patches.0.current.0.values', asking('AtLeast', ['1', '2'])],
  ['patches.0.current.0.values', asking('AtLeast', ['newest'])],
  ['reboot.job.template.spec', podWith({ nodeName: 'worker-1' })],
  ['reboot.job.template.spec.restartPolicy', podWith({ restartPolicy: 'Always' })],
  ['reboot', { reboot: undefined }],
  ['', { controllerApplyType: 'ignore', storageApplyType: 'ignore', workerApplyType: 'ignore' }],
];

describe('the rules of a strategy', () => {
  it.each(RIGHT)('let %j pass', (spec) => {
    expect(broken(spec)).toEqual([]);
  });

  it.each(WRONG)('refuse at %j what is in %j', (path, spec) => {
    expect(broken(spec)).toEqual([expect.stringMatching(new RegExp(`^${path.replaceAll('.', '\\.')}: `))]);
  });

  it('say what the API server says, all of it', () => {
    const ours = WRONG.flatMap(([, spec]) => broken(spec)).map((text) => text.slice(text.indexOf(': ') + 2));
    const own = 'each patch needs an id of its own'; // the API server knows it from the type of the list
    expect(new Set(ours.filter((text) => text !== own))).toEqual(
      new Set(messagesIn(load(readFileSync(CRD, 'utf8')))),
    );
  });
});

/** The messages of all rules in a document, however deep. */
function messagesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) =>
    key === 'message' && typeof child === 'string' ? [child] : messagesIn(child),
  );
}
