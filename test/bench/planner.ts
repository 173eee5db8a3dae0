/**
 * How long the VIM's plan of a large fleet takes, and how that grows. Asserts
 * nothing; the last line has hosts, milliseconds and the exponent of growth.
 *
 *     node test/bench/planner.ts [LARGEST]
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { INSTANCES_A_HOST, SEED, type Family } from './planner-fleets.ts';

/** What the original takes for a fleet of as many hosts with ten instances each. */
const ORIGINAL: ReadonlyMap<number, string> = new Map([
  [100, '3.4 s'],
  [200, '41 s'],
  [300, '97 s'],
  [1000, 'over 5 min'],
]);
const SIZES: Readonly<Record<Family, readonly number[]>> = {
  usual: [...ORIGINAL.keys(), 3000, 10_000, 30_000, 100_000],
  adversarial: [100, 300, 1000, 3000, 10_000],
};
const REPORTED = 10_000;
const TARGETS = { milliseconds: 300, megabytes: 300, exponent: 1.2 };

const sampleSchema = z.object({
  hosts: z.number(),
  stages: z.number(),
  milliseconds: z.number(),
  megabytes: z.number(),
});
type Sample = z.infer<typeof sampleSchema>;

const largest = z.coerce.number().min(1000).default(100_000).parse(process.argv[2]);
const usual = samples('usual');
const adversarial = samples('adversarial');
const result = {
  benchmark: 'planner',
  seed: SEED,
  targets: TARGETS,
  usual: { exponent: exponent(usual), samples: usual },
  adversarial: { exponent: exponent(adversarial), samples: adversarial },
};
printTable('usual', usual);
printTable('adversarial', adversarial);
plot(usual);
console.log(JSON.stringify(result));
const reported = usual.findLast(({ hosts }) => hosts <= REPORTED);
console.log(
  `${String(reported?.hosts)} hosts, ${String(Math.round(reported?.milliseconds ?? NaN))} ms, exponent ${result.usual.exponent.toFixed(2)}`,
);

function samples(family: Family): Sample[] {
  return SIZES[family].filter((hosts) => hosts <= largest).map((hosts) => sample(family, hosts));
}

function sample(family: Family, hosts: number): Sample {
  const program = join(import.meta.dirname, 'planner-sample.ts');
  const line = execFileSync(process.execPath, ['--expose-gc', program, family, String(hosts)], {
    encoding: 'utf8',
  });
  return sampleSchema.parse(JSON.parse(line));
}

/** The slope of the line of least squares through the logarithms: time grows with hosts to this power. */
function exponent(all: readonly Sample[]): number {
  const points = all.map(({ hosts, milliseconds }) => [Math.log(hosts), Math.log(milliseconds)] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const x = mean(points.map(([each]) => each));
  const y = mean(points.map(([, each]) => each));
  const covariance = mean(points.map(([px, py]) => (px - x) * (py - y)));
  return covariance / mean(points.map(([px]) => (px - x) ** 2));
}

function printTable(family: Family, all: readonly Sample[]): void {
  console.log(`\n| ${family}: hosts | instances | stages | ms | MB | the original |`);
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { hosts, stages, milliseconds, megabytes } of all) {
    const original = (family === 'usual' && ORIGINAL.get(hosts)) || '';
    const cells = [hosts, hosts * INSTANCES_A_HOST, stages, milliseconds.toFixed(1), megabytes, original];
    console.log(`| ${cells.map(String).join(' | ')} |`);
  }
}

/** Time over hosts, both logarithmic: what grows in proportion is a straight line. */
function plot(all: readonly Sample[]): void {
  console.log('\nmilliseconds on a logarithmic scale, ten times as many for every 12 dots');
  for (const { hosts, milliseconds } of all) {
    const width = Math.max(0, Math.round(Math.log10(milliseconds * 10) * 12));
    console.log(`${String(hosts).padStart(7)} ${'.'.repeat(width)}* ${milliseconds.toFixed(1)}`);
  }
}
