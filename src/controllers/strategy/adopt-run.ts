import { mayBeInFlight } from '../../engine/outages.ts';
import { CAREEN_ENGINE } from '../../engine/profiles/careen.ts';
import type { Adoption } from '../../hostops/port.ts';
import type { HostName } from '../../planner/facts.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { StoredRun } from '../../status/codec.ts';
import { afterWrite, fenceOf, type StrategyDeps, type StrategyPass } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'api' | 'ledger' | 'hosts' | 'adopted' | 'log'>;

/**
 * Adopts the run of an earlier leader before anything is decided about it. Stamps the status with our epoch, then the
 * claims and Jobs, so that writes of that leader still in flight are refused. Once for each run and epoch. A run of
 * another pool holds no host any more and stays unchanged. Throws DeposedError.
 */
export async function adoptRun(deps: Deps, read: StrategyPass, signal: AbortSignal): Promise<StrategyPass> {
  const { api, ledger, hosts, adopted, log } = deps;
  const { strategy, stored, pool, key } = read;
  const record = strategy.status.run;
  if (!record || pool?.metadata.name !== record.pool) return read;
  const epoch =
    (record.epoch ?? 0) > read.epoch ? await ledger.raiseAbove(record.pool, record.epoch ?? 0) : read.epoch;
  const pass = { ...read, epoch };
  if (adopted.get(record.id) === epoch) return pass;
  const stamped = await api.writeStatus(strategy, { ...strategy.status, run: { ...record, epoch } });
  if (stored) {
    const { run } = stored;
    await hosts.adopt(adoptions(pass, stored), fenceOf(pass, run.id), signal);
    const open = run.hosts.map(({ name }) => name);
    log.info({ strategy: key, run: run.id, epoch, hosts: open }, 'run taken over');
  }
  adopted.set(record.id, epoch);
  return afterWrite(pass, stamped);
}

function adoptions(
  { strategy, epoch }: StrategyPass,
  { run, record: { planDigest, pool } }: StoredRun,
): ReadonlyMap<HostName, Adoption> {
  const common = {
    run: run.id,
    pool,
    epoch,
    planDigest,
    owner: ownerOf(strategy),
    stage: run.apply.currentStage,
  };
  return new Map(
    run.hosts.map((outage) => {
      const { uid, level, since, closedToNewWorkBefore = false } = outage;
      const claim = { ...common, level, since, closedToNewWorkBefore };
      return [outage.name, { claim, uid, makeIfMissing: mayBeInFlight(CAREEN_ENGINE, run, outage) }];
    }),
  );
}
