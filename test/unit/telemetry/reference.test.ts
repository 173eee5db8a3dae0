import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EVENTS } from '../../../src/crds/event-catalogue.ts';
import { METRICS } from '../../../src/telemetry/metric-catalogue.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'reference', 'metrics-and-events.md');

/** The rows of the table with this header, cell by cell, without code marks. */
async function table(header: string): Promise<string[][]> {
  const lines = (await readFile(PAGE, 'utf8')).split('\n');
  const rest = lines.slice(lines.indexOf(header) + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? rest.length : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  );
}

describe('the reference page', () => {
  it('has the metrics of the code', async () => {
    const metrics = Object.values(METRICS).map(({ name, type, labels, help }) => [
      name,
      type,
      labels.join(', '),
      help,
    ]);
    expect(await table('| name | type | labels | meaning |')).toEqual(metrics);
  });

  it('has the events of the code', async () => {
    const events = Object.entries(EVENTS).map(([reason, { action, type, when }]) => [
      reason,
      action,
      type,
      when,
    ]);
    expect(await table('| reason | action | type | when |')).toEqual(events);
  });
});

describe('the catalogue of events', () => {
  it.each(Object.entries(EVENTS))(
    'has a reason and an action for %s that the API server accepts',
    (reason, { action, when }) => {
      expect(reason).toMatch(/^[A-Z][A-Za-z]{1,127}$/);
      expect(action).toMatch(/^[A-Z][a-z]{1,127}$/);
      expect(when).toMatch(/^\S.*[^.\s]$/);
    },
  );
});
