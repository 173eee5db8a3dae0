/** Bugs that a maintenance operator may well have, each as a change of one place of its code. */
export type Bug = {
  readonly name: string;
  readonly file: string;
  /** The text in the file, exactly once. */
  readonly of: string;
  /** The text that replaces it. */
  readonly instead: string;
  /** The first seed to try, where too few seeds show the bug. */
  readonly from?: number;
};

export const BUGS: readonly Bug[] = [
  {
    name: 'drop a precondition',
    file: 'src/hostops/kubernetes/node-patches.ts',
    of: 'return { uid, resourceVersion: revision, annotations };',
    instead: 'return { uid, annotations, ...(revision ? {} : { revision }) };',
  },
  {
    name: 'act before the intent is stored',
    file: 'src/controllers/strategy/run-pass.ts',
    of: '  const written = await storeRun(deps, { ...pass, strategy }, decision.run, shown);\n',
    instead:
      '  await performEffects(deps, pass, decision.effects, fenceOf(pass, stored.run.id), signal);\n' +
      '  const written = await storeRun(deps, { ...pass, strategy }, decision.run, shown);\n',
  },
  {
    name: 'skip the epoch',
    file: 'src/controllers/strategy/adopt-run.ts',
    of: '  if (known?.run === record.id && known.epoch === epoch) return pass;\n',
    instead: '  adopted.set(key, { run: record.id, epoch });\n  return pass;\n',
  },
  {
    name: 'take over only the claims that are there',
    file: 'src/controllers/strategy/adopt-run.ts',
    of: 'return [outage.name, { claim, makeIfMissing: mayBeInFlight(CAREEN_ENGINE, run, outage) }];',
    instead: 'return [outage.name, { claim, makeIfMissing: false }];',
  },
  {
    name: 'free a permit early',
    file: 'src/controllers/strategy/run-pass.ts',
    of: '  if (surplus) await settleInPool(deps, pass, surplus);\n',
    instead:
      '  const leaving = decision.effects.filter(({ kind }) => kind === "release").map(({ host }) => host);\n' +
      '  const held = pass.pool?.status.permits?.filter(({ run }) => run === stored.run.id).map(({ host }) => host);\n' +
      '  const staying = decision.wants.permits.hosts.filter((host) => held?.includes(host) && !leaving.includes(host));\n' +
      '  const early = { ...decision.wants.permits, hosts: staying };\n' +
      '  if (leaving.length > 0) await settleInPool(deps, pass, { run: stored.run.id, owner: ownerOf(strategy), wants: early, exactly: true });\n' +
      '  else if (surplus) await settleInPool(deps, pass, surplus);\n',
  },
  {
    name: 'keep the permits of a run that has ended',
    file: 'src/engine/decide.ts',
    of: '  if ([...held].every((host) => permits.hosts.includes(host))) return { decision };\n',
    instead:
      "  if (decision.run.state !== 'applying' || [...held].every((host) => permits.hosts.includes(host))) return { decision };\n",
  },
  {
    name: 'trust the cache after an own write',
    file: 'src/engine/steps/migrate-instances-from-host.ts',
    of: "if (before === 'accepted' || before === 'already') {",
    instead: "if (before === 'already') {",
  },
  {
    name: 'forget a claim on abort',
    file: 'src/engine/profiles/careen.ts',
    of: '!turn.order.finalizing || !hasFailed(host));\n',
    instead: '!turn.order.finalizing || !hasFailed(host)).slice(1);\n',
  },
  {
    name: 'time out before looking',
    file: 'src/engine/run-step.ts',
    of: '  const verdicts = judge(pass, running);\n',
    instead:
      '  const late = dueTimer(running, pass.turn.now);\n' +
      "  if (late) return pass.profile.timeOut(late, 'too late');\n" +
      '  const verdicts = judge(pass, running);\n',
  },
  {
    name: 'reuse an attempt number',
    file: 'src/engine/requests.ts',
    of: "    attempt: verb === 'retry' ? Math.max(kept.attempt + 1, attempt) : kept.attempt,\n",
    instead: '    attempt: kept.attempt,\n',
  },
  {
    name: "release someone else's cordon",
    file: 'src/hostops/kubernetes/node-patches.ts',
    of: "const open = level === 'away' && !closedToNewWorkBefore && node.closedToNewWork;",
    instead: "const open = level === 'away' && closedToNewWorkBefore !== undefined && node.closedToNewWork;",
  },
  {
    name: 'put a cordon back that was withdrawn',
    file: 'src/engine/outages.ts',
    of: 'Object.assign(outage, { uncordoned: true, closedToNewWorkBefore: false });',
    instead: 'Object.assign(outage, { uncordoned: true });',
    from: 2_611_264_874,
  },
  {
    name: 'report success unobserved',
    file: 'src/engine/steps/verify.ts',
    of: "  if (found.length === 0) return outage.level === 'touched' ? unlockHost(step) : DONE;\n",
    instead:
      "  if (found.length === 0 || rebootPending(step, outage)) return outage.level === 'touched' ? unlockHost(step) : DONE;\n",
  },
];
