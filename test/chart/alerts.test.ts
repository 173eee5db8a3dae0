/** The alerts of the chart: rules that Prometheus accepts, about existing metrics. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { METRICS } from '../../src/telemetry/metric-catalogue.ts';
import { HOST_STATES } from '../../src/telemetry/metrics.ts';
import { renderedOfKind, ROOT, run } from '../support/controlplane/tools.ts';

const ruleSpec = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});

describe('the alerts', () => {
  it('are valid rules for Prometheus', async () => {
    expect(await run('check-rules', [], dump(await alertSpec()))).toBe('');
  });

  it('count no noun, so that they read right for one and for many', async () => {
    expect(JSON.stringify(await alertSpec())).not.toMatch(/\$value \}\} \w/);
  });

  it('use only existing metrics and their labels', async () => {
    const spec = ruleSpec.parse(await alertSpec());
    const rules = spec.groups.flatMap(({ rules }) => rules);
    const metrics = new Map<string, readonly string[]>(
      Object.values(METRICS).flatMap(({ name, labels, type }) =>
        (type === 'histogram' ? ['_count', '_sum', '_bucket'] : ['']).map((end) => [`${name}${end}`, labels]),
      ),
    );
    for (const { alert, expr } of rules) {
      const names = expr.match(/careen_\w+/g) ?? [];
      expect(names.length, alert).toBeGreaterThan(0);
      for (const name of names) {
        const grouped = [...expr.matchAll(/by \((\w+)\)/g)].map(([, label]) => label);
        expect([...metrics.keys()], alert).toContain(name);
        expect(metrics.get(name), `${alert}: ${name}`).toEqual(expect.arrayContaining(grouped));
      }
    }
    const states = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/state="(\w+)"/g)].map(([, state]) => state),
    );
    expect(states.length).toBeGreaterThan(0);
    expect(HOST_STATES).toEqual(expect.arrayContaining(states));
  });

  it('are in the guide, each with its name', async () => {
    const spec = ruleSpec.parse(await alertSpec());
    const guide = await readFile(join(ROOT, 'docs', 'guides', 'install.md'), 'utf8');
    const listed = [...guide.matchAll(/^\| `(Careen\w+)` \|/gm)].map(([, name]) => name);
    expect(listed).toEqual(spec.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)));
  });

  it('link to existing headings', async () => {
    const links = JSON.stringify(await alertSpec()).match(/docs\/[\w/.-]+#[\w-]+/g) ?? [];
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) {
      const [page = '', anchor = ''] = link.split('#');
      const headings = (await readFile(join(ROOT, page), 'utf8')).match(/^#+ .*$/gm) ?? [];
      expect(headings.map(anchorOf), link).toContain(anchor);
    }
  });
});

async function alertSpec(): Promise<unknown> {
  const [rule] = await renderedOfKind('PrometheusRule', ['prometheusRule.enabled=true']);
  return rule?.['spec'];
}

/** The anchor that GitHub makes from a heading. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}
