import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { careen, type CallOptions, type Ended } from '../operator/careen-cli.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A folder for the files of `careen plan`, and the commands that run in it. */
export class PlanFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<PlanFolder> {
    return new PlanFolder(await mkdtemp(join(tmpdir(), 'careen-plan-')));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async write(name: string, ...documents: readonly unknown[]): Promise<void> {
    await writeFile(join(this.path, name), documents.map((each) => dump(each)).join('---\n'));
  }

  async careen(args: readonly string[], options: Omit<CallOptions, 'cwd'> = {}): Promise<Ended> {
    return careen(args, { ...options, cwd: this.path });
  }

  /** Runs `careen plan` on a strategy and a fleet, each in a file of its own. */
  async plan(strategy: unknown, fleet: unknown, ...more: readonly string[]): Promise<Ended> {
    await this.write('strategy.yaml', strategy);
    await this.write('fleet.yaml', fleet);
    return this.careen(['plan', '-f', 'strategy.yaml', '--fleet', 'fleet.yaml', ...more]);
  }
}

/** A Fleet with these hosts, of a pool that lets two of them be out of service. */
export function fleetOf(hosts: readonly Fields[], pool: Fields = {}): Fields {
  return {
    apiVersion: 'careen.dev/v1alpha1',
    kind: 'Fleet',
    pool: { name: 'default', spec: { provider: { kubernetes: {} }, maxUnavailable: 2 }, ...pool },
    hosts,
  };
}
