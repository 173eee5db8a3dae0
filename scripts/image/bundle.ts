/** One file of JavaScript from an entry in src, with everything that it imports. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';
import { z } from 'zod';
import { ROOT } from './place.ts';

/** A package of npm whose code is in a bundle. */
export type BundledPackage = {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly folder: string;
};

export type Bundle = {
  readonly code: string;
  readonly map: string;
  readonly packages: readonly BundledPackage[];
};

/**
 * What the operator's base class imports, cut to what runs: src/controllers/runtime/shell.ts overrides every method
 * with I/O, and a test knows their list. Whole, the Kubernetes client would bring the code of every kind of Kubernetes:
 * 3 MB, and 40 MB of memory.
 */
const SHELL = '/@dot-i/k8s-operator/';
const FOR_THE_SHELL: Readonly<Record<string, string>> = {
  '@kubernetes/client-node': `export { KubeConfig } from '@kubernetes/client-node'; export class CoreV1Api {}`,
  gaxios: 'export {}',
};

/**
 * The web server of the probes brings compilers for the schemas of its routes, and a client for tests. Our routes have
 * no schemas: a route with one fails at the start.
 */
const FASTIFY = '/node_modules/fastify/';
const UNUSED = `module.exports = () => () => { throw new Error('scripts/image/bundle.ts leaves this part of fastify out'); };`;
const FOR_FASTIFY: Readonly<Record<string, string>> = {
  '@fastify/ajv-compiler': UNUSED,
  '@fastify/fast-json-stringify-compiler': UNUSED,
  'light-my-request': UNUSED,
};

const CUTS = [
  { name: 'shell', importer: SHELL, parts: FOR_THE_SHELL },
  { name: 'fastify', importer: FASTIFY, parts: FOR_FASTIFY },
];

const cuts: readonly Plugin[] = CUTS.map(({ name, importer: cut, parts }) => ({
  name: `careen:cut-${name}`,
  resolveId: (source, importer) =>
    importer?.includes(cut) && source in parts ? `\0${name}:${source}` : undefined,
  load: (id) => (id.startsWith(`\0${name}:`) ? parts[id.slice(name.length + 2)] : undefined),
}));

/** The modules of the client only define things: those that nobody uses can go. */
const onlyDefines = (id: string): boolean => id.includes('/@kubernetes/client-node/dist/');

/** Bundles an entry, such as `src/main.ts`. Names stay as they are, for the stack traces in a log. */
export async function bundle(entry: string): Promise<Bundle> {
  const build = await rolldown({
    input: join(ROOT, entry),
    cwd: ROOT,
    platform: 'node',
    plugins: [...cuts],
    treeshake: { moduleSideEffects: (id) => !onlyDefines(id) },
    logLevel: 'warn',
    onLog(level, { message }) {
      throw new Error(`${entry} is not bundled: ${level}: ${message}`);
    },
  });
  const { output } = await build.generate({
    format: 'esm',
    codeSplitting: false,
    sourcemap: 'hidden',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  });
  const [chunk] = output;
  if (!chunk.map) throw new Error(`${entry} is not bundled: there is no source map`);
  const used = Object.entries(chunk.modules).filter(([, { renderedLength }]) => renderedLength > 0);
  const folders = new Set(used.flatMap(([module]) => packageFolder(module)));
  const packages = await Promise.all([...folders].sort().map(readPackage));
  return { code: chunk.code, map: chunk.map.toString(), packages };
}

function packageFolder(module: string): string[] {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module) ?? [];
}

const packageJson = z.looseObject({ name: z.string(), version: z.string(), license: z.string() });

async function readPackage(folder: string): Promise<BundledPackage> {
  const { name, version, license } = packageJson.parse(
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
  );
  return { name, version, licence: license, folder };
}
