import { describe, expect, it } from 'vitest';
import { printable } from '../../../src/crds/text/printable.ts';
import { statusText } from '../../../src/crds/text/status-text.ts';
import { rendered } from '../../../src/cli/text/format.ts';
import { makeLogger } from '../../../src/telemetry/logger.ts';
import { eventBody } from '../../../src/telemetry/event-object.ts';
import { strategyManifest } from '../../support/operator/strategies.ts';
import { careen } from '../../support/operator/careen-cli.ts';

/** Clears the line, colours text, sets a title, moves up (as one character of C1), and turns the direction of text. */
const HOSTILE = '\u001b[2K\u001b[31mred\u0007\u009b1A\r\u202eabc\u2066\u2028';
const SHOWN = String.raw`\u001b[2K\u001b[31mred\u0007\u009b1A\u000d\u202eabc\u2066\u2028`;
const raw = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

describe('what a terminal would carry out', () => {
  it('is written as an escape, and the rest is kept', () => {
    expect(printable(HOSTILE)).toBe(SHOWN);
    expect(printable('é 漢 🚢 a\tb\nc')).toBe('é 漢 🚢 a\tb\nc');
  });

  it.each([
    ['a key', { spec: { [HOSTILE]: 1 } }],
    ['a value', { spec: { patches: [{ id: HOSTILE }] } }],
    ['a kind', { kind: HOSTILE }],
  ])('in %s of a strategy reaches no terminal', async (_where, wrong) => {
    const stdin = JSON.stringify({ ...strategyManifest('kernel', 'careen-hosts'), ...wrong });
    const { status, out, err } = await careen(['plan', '-f', '-', '--fleet', 'examples/fleet.yaml'], {
      stdin,
    });
    expect(status).toBe(1);
    expect(err).toContain(String.raw`\u001b[31mred`);
    expect(out + err).not.toMatch(raw);
  });

  it('in an argument reaches no terminal', async () => {
    const { err } = await careen(['plan', '-f', '-', `--${HOSTILE}`]);
    expect(err).toContain('unknown option');
    expect(err).not.toMatch(raw);
  });

  it('in a line of a table begins no further line', () => {
    const lines = ['STAGE  HOSTS', `0      a\nplan sha256:0`];
    expect(rendered({}, 'table', () => lines)).toBe('STAGE  HOSTS\n0      a\\nplan sha256:0\n');
  });

  it('is in no status, event or log', () => {
    expect(statusText(HOSTILE)).toBe(SHOWN);
    const regarding = { apiVersion: 'v1', kind: 'Node', name: 'a' };
    const event = { reason: 'HostFailed', regarding, note: HOSTILE } as const;
    expect(eventBody(event, 'n', 'i', { first: 0, last: 0, count: 1 })).toHaveProperty('note', SHOWN);
    let line = '';
    makeLogger({ level: 'info', destination: { write: (text) => void (line += text) } }).info(
      { host: HOSTILE },
      'x',
    );
    expect(line).not.toMatch(raw);
    expect(JSON.parse(line)).toHaveProperty('host', HOSTILE);
  });
});
