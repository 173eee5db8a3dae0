/** The examples that need no cluster: the plans of the sixty nodes and of upgrades, and the scripts of the image for Jobs. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { plan } from '../../../src/cli/commands/plan.ts';
import { keptIo } from '../../support/cli/kept-io.ts';
import { careen, ROOT } from '../../support/operator/careen-cli.ts';
import { simulated } from '../support/simulations.ts';

const SIXTY_NODES = join(ROOT, 'examples', 'sixty-nodes');
const HOST_TOOLS = join(ROOT, 'examples', 'host-tools');

const preview = z.looseObject({
  stages: z.array(z.looseObject({ hosts: z.array(z.string()) })),
  findings: z.array(z.looseObject({ severity: z.string() })),
});

function yaml(...path: string[]): unknown {
  return load(readFileSync(join(...path), 'utf8'));
}

describe('examples/sixty-nodes', { timeout: 60_000 }, () => {
  it('is a plan of all sixty hosts, at most six at a time, with nothing that blocks or warns', async () => {
    const { out, err } = await careen([
      ...['plan', '-f', join(SIXTY_NODES, 'patch-strategy.yaml')],
      ...['--fleet', join(SIXTY_NODES, 'fleet.yaml'), '-o', 'json'],
    ]);
    expect(err).toBe('');
    const { stages, findings } = preview.parse(JSON.parse(out));
    const sizes = stages.map(({ hosts }) => hosts.length);
    expect(sizes).toEqual([...Array.from({ length: 9 }, () => 1), ...Array.from({ length: 8 }, () => 6), 3]);
    expect(findings).toEqual([]);
  });

  it('has the same pool in the fleet file as in its HostPool', () => {
    const { spec } = z.looseObject({ spec: z.unknown() }).parse(yaml(SIXTY_NODES, 'host-pool.yaml'));
    expect(yaml(SIXTY_NODES, 'fleet.yaml')).toMatchObject({ pool: { spec } });
  });
});

describe('examples/upgrade-*', () => {
  const upgrades = globSync('upgrade-*/upgrade-strategy*.yaml', { cwd: join(ROOT, 'examples') }).sort();
  const filesOf = (example: string) => ({
    filename: join(ROOT, 'examples', example),
    fleet: join(ROOT, 'examples', example.replace('/upgrade-strategy', '/fleet')),
  });

  it.each(upgrades)('%s is a plan with nothing that blocks or warns', async (example) => {
    const io = keptIo();
    await plan({ ...filesOf(example), output: 'json' }, io);
    const { findings } = preview.parse(JSON.parse(io.printed));
    expect(findings.filter(({ severity }) => severity !== 'tells')).toEqual([]);
  });

  it.each(upgrades)('%s upgrades all hosts of its fleet, once they are staged', async (example) => {
    const { outcome, left, stages } = await simulated(filesOf(example));
    expect({ outcome, left }).toEqual({ outcome: 'applied', left: [] });
    const staging = stages.map(({ name }) => name === 'sw-upgrade-stage-hosts');
    expect(staging[0]).toBe(true);
    expect(staging.toSorted((a, b) => Number(b) - Number(a))).toEqual(staging);
  });
});

describe('examples/host-tools', () => {
  const scripts = globSync('*-*', { cwd: HOST_TOOLS });

  it.each(scripts)('%s is a script that a shell can read', (script) => {
    expect(() => execFileSync('sh', ['-n', join(HOST_TOOLS, script)])).not.toThrow();
  });

  it('are all in the image', () => {
    const [copied] =
      /^COPY --chmod=755 (.*) \/usr\/local\/bin\/$/m
        .exec(readFileSync(join(HOST_TOOLS, 'Dockerfile'), 'utf8'))
        ?.slice(1) ?? [];
    expect(copied?.split(' ').toSorted()).toEqual(scripts.toSorted());
  });
});
