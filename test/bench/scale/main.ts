/**
 * Measures what a host costs the operator and the API server, over the number of hosts. Each N is a whole strategy on
 * a real control plane with simulated nodes: ten hosts at a time, each drained, patched, rebooted and verified.
 *
 *     node test/bench/scale/main.ts [N...]     (10 100)
 *     PODS=0      pods on each host (10)
 *     FLEET=5000  hosts of the pool; all but N have the patch already
 *     FAULTS=1    1 % of the requests fail, 5 % are slow, the API server is restarted twice
 *     STRATEGIES=10, FINISHED=200   how many strategies of the pool run at once (1), how many ended before (0)
 *     COMPARE=1   the limit program and `kubectl drain` on up to 100 of the same hosts
 *     UPDATE=1    commits the figures to figures.json
 *
 * Fails when a host costs more than the committed figures allow, when larger fleets cost more by the host, and when an
 * invariant does not hold under faults.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { excesses, FAULTS_FACTOR, figures, growth, marginalCosts, MORE_ALLOWED, renewed } from './figures.ts';
import { measure, type Measured } from './measure.ts';
import { lastLine, printReport } from './report.ts';

const ATTEMPTS = 3;
const REPEATED_UP_TO = 100;
const FILE = join(import.meta.dirname, 'figures.json');
const { PODS, FLEET, FAULTS, STRATEGIES, FINISHED, COMPARE, UPDATE } = process.env;
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10, 100];
const options = {
  podsPerHost: Number(PODS || 10),
  strategies: Number(STRATEGIES || 1),
  finished: Number(FINISHED || 0),
  faults: FAULTS === '1',
  compared: COMPARE === '1',
};
/** Only the costs of such runs are compared. */
const isPlain = options.strategies === 1 && options.finished === 0;

const committed = figures.parse(JSON.parse(await readFile(FILE, 'utf8')));
const updates = UPDATE === '1' && isPlain && !options.faults && !FLEET;
const factor = options.faults ? FAULTS_FACTOR : 1 + MORE_ALLOWED;

const results: Measured[] = [];
for (const hosts of sizes) results.push(await measured(hosts));
printReport(results);
if (updates) await writeFile(FILE, `${JSON.stringify(renewed(committed, results), null, 2)}\n`);
const failures = [
  ...results.flatMap(tooMuch),
  ...growth(marginalCosts(results)),
  ...results.flatMap(({ disturbed }) => disturbed?.complaints ?? []),
];
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(lastLine(results));
process.exitCode = failures.length > 0 ? 1 : 0;

/** The number of passes depends on what else the machine does, so a small run that costs too much is repeated. */
async function measured(hosts: number): Promise<Measured> {
  for (let attempt = 1; ; attempt += 1) {
    const fleet = Math.max(hosts, Number(FLEET || 0));
    const result = await measure({ hosts, fleet, ...options });
    process.stderr.write(`${String(hosts)} hosts: ${result.wallSeconds.toFixed(0)} s\n`);
    const excess = tooMuch(result);
    if (excess.length === 0 || attempt === ATTEMPTS || fleet > REPEATED_UP_TO) return result;
    process.stderr.write(`${excess.join('\n')}\nonce more:\n`);
  }
}

function tooMuch(result: Measured): string[] {
  return updates || !isPlain ? [] : excesses(result, committed, factor);
}
