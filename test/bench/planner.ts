/**
 * Measures the time of the VIM's plan for large fleets, and its growth. Prints
 * tables, a plot and JSON. Asserts nothing, but reports each missed target. The
 * last line has hosts, milliseconds and the exponent of growth.
 *
 *     node test/bench/planner.ts [LARGEST]
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { logLogPlot, type Point } from './log-log-plot.ts';
import { INSTANCES_A_HOST, SEED, type Family } from './planner-fleets.ts';

type Original = { readonly milliseconds: number; readonly text: string };

/** The time of the original for a fleet of that many hosts with ten instances each; the last is a lower bound. */
const ORIGINAL: ReadonlyMap<number, Original> = new Map([
  [100, { milliseconds: 3_400, text: '3.4 s' }],
  [200, { milliseconds: 41_000, text: '41 s' }],
  [300, { milliseconds: 97_000, text: '97 s' }],
  [1000, { milliseconds: 300_000, text: 'over 5 min' }],
]);
const SIZES = [...ORIGINAL.keys(), 3000, 10_000, 30_000, 100_000];
const SAMPLES = 5;
const REPORTED = 10_000;
const TARGETS = { milliseconds: 300, megabytes: 300, exponent: 1.2 };

const sampleSchema = z.object({
  digest: z.string(),
  stages: z.number(),
  milliseconds: z.number(),
  megabytes: z.number(),
});
type Measured = {
  readonly hosts: number;
  readonly stages: number;
  readonly milliseconds: number;
  readonly megabytes: number;
};

const largest = z.coerce.number().min(REPORTED).default(100_000).parse(process.argv[2]);
const sizes = SIZES.filter((hosts) => hosts <= largest);
const machine = `${String(cpus().length)} x ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.version}`;

console.log(`sw-patch of vim-2024, workers parallel, at most 100 at once; seed ${String(SEED)}; ${machine}`);
console.log(`median time and most memory of ${String(SAMPLES)} processes, each after one plan to warm up`);
const usual = measureFamily('usual');
const adversarial = measureFamily('adversarial');
printPlot();
console.log(
  `\n${JSON.stringify({ benchmark: 'planner', machine, seed: SEED, targets: TARGETS, usual, adversarial })}\n`,
);
const reported = usual.sizes.find(({ hosts }) => hosts === REPORTED);
if (!reported) throw new Error(`${String(REPORTED)} hosts were not measured`);
printTarget('milliseconds', reported.milliseconds);
printTarget('megabytes', reported.megabytes);
printTarget('exponent', usual.exponent);
console.log(
  `${String(REPORTED)} hosts, ${reported.milliseconds.toFixed(0)} ms, exponent ${usual.exponent.toFixed(2)}`,
);

function measureFamily(family: Family): { exponent: number; sizes: readonly Measured[] } {
  console.log(`\n| ${family}: hosts | instances | stages | ms | MB | the original |`);
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: |');
  const measured = sizes.map((hosts) => {
    const result = measure(family, hosts);
    const cells = [
      hosts,
      hosts * INSTANCES_A_HOST,
      result.stages,
      result.milliseconds.toFixed(1),
      result.megabytes.toFixed(0),
      (family === 'usual' && ORIGINAL.get(hosts)?.text) || '',
    ];
    console.log(`| ${cells.map(String).join(' | ')} |`);
    return result;
  });
  const grown = exponent(measured);
  console.log(`${family}: exponent ${grown.toFixed(2)}, 100 to ${String(largest)} hosts`);
  return { exponent: grown, sizes: measured };
}

function measure(family: Family, hosts: number): Measured {
  const samples = Array.from({ length: SAMPLES }, () => sample(family, hosts));
  if (new Set(samples.map(({ digest }) => digest)).size > 1)
    throw new Error(`${family}, ${String(hosts)} hosts: the same fleet gave different plans`);
  const times = samples.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  return {
    hosts,
    stages: samples[0]?.stages ?? NaN,
    milliseconds: rounded(times[Math.floor(SAMPLES / 2)] ?? NaN),
    megabytes: rounded(Math.max(...samples.map(({ megabytes }) => megabytes))),
  };
}

function sample(family: Family, hosts: number): z.infer<typeof sampleSchema> {
  const program = join(import.meta.dirname, 'planner-sample.ts');
  const line = execFileSync(process.execPath, ['--expose-gc', program, family, String(hosts)], {
    encoding: 'utf8',
  });
  return sampleSchema.parse(JSON.parse(line));
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}

/** The slope of the least-squares line through the logarithms: time grows with hosts to this power. */
function exponent(all: readonly Measured[]): number {
  const points = all.map(({ hosts, milliseconds }) => [Math.log(hosts), Math.log(milliseconds)] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const x = mean(points.map(([each]) => each));
  const y = mean(points.map(([, each]) => each));
  const covariance = mean(points.map(([px, py]) => (px - x) * (py - y)));
  return covariance / mean(points.map(([px]) => (px - x) ** 2));
}

function printPlot(): void {
  const points = (all: readonly Measured[]): Point[] =>
    all.map(({ hosts, milliseconds }) => ({ x: hosts, y: milliseconds }));
  const original = [...ORIGINAL].map(([hosts, { milliseconds }]) => ({ x: hosts, y: milliseconds }));
  console.log(
    '\nmilliseconds over hosts: o usual, x adversarial, # the original (at 1000 hosts: at least);' +
      '\n. in proportion to hosts (exponent 1), from the first o',
  );
  const lines = logLogPlot([
    { mark: 'o', points: points(usual.sizes) },
    { mark: 'x', points: points(adversarial.sizes) },
    { mark: '#', points: original },
    { mark: '.', points: proportional(usual.sizes) },
  ]);
  for (const line of lines) console.log(line);
}

/** A dotted line through the first measurement that grows in proportion to the hosts. */
function proportional([first]: readonly Measured[]): Point[] {
  if (!first) return [];
  const factors = Array.from({ length: 61 }, (_, at) => (largest / first.hosts) ** (at / 60));
  return factors.map((factor) => ({ x: first.hosts * factor, y: first.milliseconds * factor }));
}

function printTarget(what: keyof typeof TARGETS, found: number): void {
  const most = TARGETS[what];
  const verdict = found <= most ? 'met' : 'MISSED';
  console.log(`target ${verdict}: ${what} ${String(rounded(found))}, at most ${String(most)}`);
}
