/** Bugs that a maintenance operator may well have, each as a change of one place of its code. */
import type { Bug } from './bug.ts';
import { CONSTRAINT_BUGS } from './constraint-bugs.ts';
import { SESSION_BUGS } from './session-bugs.ts';

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
    of: '  const written = await deps.others.store(current, rests,',
    instead:
      '  await performEffects(deps, pass, decision.effects, fenceOf(pass, stored.run.id), signal);\n' +
      '  const written = await deps.others.store(current, rests,',
  },
  {
    name: 'skip the epoch',
    file: 'src/controllers/strategy/adopt-run.ts',
    of: '  if (known?.run === record.id && known.epoch === epoch && (!known.suspended || suspended)) return pass;\n',
    instead: '  adopted.set(key, { run: record.id, epoch, suspended });\n  return pass;\n',
  },
  {
    name: 'take over only the claims that are there',
    file: 'src/controllers/strategy/adopt-run.ts',
    of: 'const makeIfMissing = !suspended && mayBeInFlight(engineOf(plan), run, outage);',
    instead: 'const makeIfMissing = false;',
  },
  {
    name: 'free a permit early',
    file: 'src/controllers/strategy/run-pass.ts',
    of: '  if (surplus) await freeSurplus(deps, after, surplus);\n',
    instead:
      '  const leaving = decision.effects.filter(({ kind }) => kind === "release").map(({ host }) => host);\n' +
      '  const granted = pass.pool?.status.permits?.filter(({ run }) => run === stored.run.id).map(({ host }) => host);\n' +
      '  const staying = decision.wants.permits.hosts.filter((host) => granted?.includes(host) && !leaving.includes(host));\n' +
      '  const early = { ...decision.wants.permits, hosts: staying };\n' +
      '  if (leaving.length > 0) await freeSurplus(deps, after, { run: stored.run.id, owner: ownerOf(strategy), wants: early, exactly: true });\n' +
      '  else if (surplus) await freeSurplus(deps, after, surplus);\n',
  },
  {
    name: 'keep the permits of a run that has ended',
    file: 'src/engine/decide.ts',
    of: '  if ([...held.keys()].every((host) => permits.hosts.includes(host))) return { decision };\n',
    instead:
      "  if (decision.run.state !== 'applying' || [...held.keys()].every((host) => permits.hosts.includes(host))) return { decision };\n",
  },
  {
    name: 'trust the cache after an own write',
    file: 'src/engine/steps/migrate-instances-from-host.ts',
    of: "if (before?.kind === 'accepted' || before?.kind === 'already') {",
    instead: "if (before?.kind === 'already') {",
  },
  {
    name: 'forget a claim on abort',
    file: 'src/engine/profiles/careen.ts',
    of: '!turn.order.finalizing || !hasFailed(host));\n',
    instead: '!turn.order.finalizing || !hasFailed(host)).slice(1);\n',
  },
  {
    name: 'time out before looking',
    file: 'src/engine/run/run-step.ts',
    of: '  const verdicts = judge(pass, running);\n',
    instead:
      '  const late = dueTimer(running, pass.turn.now);\n' +
      "  if (late) return pass.profile.timeOut(late, 'too late');\n" +
      '  const verdicts = judge(pass, running);\n',
  },
  {
    name: 'reuse an attempt number',
    file: 'src/engine/orders/requests.ts',
    of: "    attempt: verb === 'retry' ? Math.max(kept.attempt + 1, attempt) : kept.attempt,\n",
    instead: '    attempt: kept.attempt,\n',
  },
  {
    name: "release someone else's cordon",
    file: 'src/hostops/kubernetes/node-patches.ts',
    of: "const open = level !== 'touched' && !closedToNewWorkBefore && node.closedToNewWork;",
    instead:
      "const open = level !== 'touched' && closedToNewWorkBefore !== undefined && node.closedToNewWork;",
  },
  {
    name: 'put a cordon back that was withdrawn',
    file: 'src/engine/hosts/outages.ts',
    of: 'Object.assign(outage, { uncordoned: true, closedToNewWorkBefore: false });',
    instead: 'Object.assign(outage, { uncordoned: true });',
  },
  {
    name: 'report success unobserved',
    file: 'src/engine/steps/verify.ts',
    of: "  if (found.length === 0) return outage.level === 'touched' ? releaseVerified(step) : DONE;\n",
    instead:
      "  if (found.length === 0 || rebootPending(step, outage)) return outage.level === 'touched' ? releaseVerified(step) : DONE;\n",
  },
  {
    name: 'evict the pods of a DaemonSet of another group',
    file: 'src/hostops/kubernetes/pod-facts.ts',
    of: "  if (owner?.kind === 'DaemonSet') return undefined;\n",
    instead: "  if (owner?.kind === 'DaemonSet' && owner.apiVersion.startsWith('apps/')) return undefined;\n",
  },
  {
    name: 'evict a pod each time it comes back',
    file: 'src/engine/steps/migrate-instances-from-host.ts',
    of: '  if (hasReturned(step, instance)) {\n',
    instead: '  if (hasReturned(step, instance) && instance.localData) {\n',
  },
  {
    name: 'take the gap between two pods for an empty host',
    file: 'src/engine/steps/migrate-instances-from-host.ts',
    of: '  if (!mayReturn) return DONE;\n',
    instead: '  if (!mayReturn || mayReturn.emptySince === undefined) return DONE;\n',
  },
  {
    name: 'forget the success of a Job',
    file: 'src/engine/hosts/job-results.ts',
    of: "      return { result: 'succeeded' };\n",
    instead: '      return {};\n',
  },
  {
    name: 'take a refusal for now for good',
    file: 'src/kube/refusals.ts',
    of: "  return by !== 'rights';\n",
    instead: "  return by === 'overload';\n",
  },
  {
    name: 'keep a host locked on which nothing was started',
    file: 'src/engine/steps/outage-jobs.ts',
    of: '  return outage.failedBefore === true || wasAsked || outage.jobs?.some(mayHaveRun) === true;\n',
    instead: '  return outage.level !== undefined || wasAsked || outage.jobs?.some(mayHaveRun) === true;\n',
  },
  {
    name: 'wait for a silent watch to show that a Job is gone',
    file: 'src/hostops/jobs/host-jobs.ts',
    of: "    if (outcome.kind === 'already') await this.#index.gone(",
    instead: "    if (outcome.kind === 'already' && signal.aborted) await this.#index.gone(",
    from: 1_095_634,
  },
  {
    name: 'end a run because a planned host has left',
    file: 'src/engine/profiles/careen.ts',
    of: '  goesOnWithoutLeavers: true,\n',
    instead: '  goesOnWithoutLeavers: false,\n',
  },
  {
    name: 'go on without a host that is there',
    file: 'src/engine/hosts/leavers.ts',
    of: '  if (outage && carriesOurMark(facts, run.id)) return undefined;\n',
    instead:
      '  if (outage && carriesOurMark(facts, run.id)) return facts.ready ? undefined : `${name} is not Ready`;\n',
  },
  {
    name: 'take an empty pool for a finished run',
    file: 'src/controllers/strategy/build-plan.ts',
    of: '  if (hosts > 0) return undefined;\n',
    instead: '  if (hosts >= 0) return undefined;\n',
  },
  {
    name: 'plan without a host of the pool',
    file: 'src/controllers/strategy/build-plan.ts',
    of: '    : buildOrRefusal(input, seeds);\n',
    instead: '    : buildOrRefusal(input, seeds.length > 1 ? seeds.slice(1) : seeds);\n',
  },
  {
    name: 'forget the hosts that join after a run',
    file: 'src/status/stored/rebuild.ts',
    of: "  return restAsked === true && lacking.length > 0 && mode !== 'Abort' && mode !== 'Suspend';\n",
    instead: "  return restAsked === true && lacking.length > 0 && mode === 'Abort';\n",
  },
  {
    name: 'give a host back with a new taint',
    file: 'src/engine/steps/unwell.ts',
    of: 'outage?.taintsBefore?.includes(taint) === false);',
    instead: 'outage?.taintsBefore?.includes(taint) === undefined);',
  },
  {
    name: 'give a host back with a new problem',
    file: 'src/engine/steps/unwell.ts',
    of: '    ...alarms.map(({ text }) => text),\n',
    instead: '    ...alarms.filter(({ id }) => id === NOT_READY).map(({ text }) => text),\n',
  },
  {
    name: 'open a host that was cordoned after its claim was lost',
    file: 'src/engine/hosts/outages.ts',
    of: '    if (!isLost || mayBeInFlight(profile, run, outage)) return outage;\n',
    instead: '    if (isLost || mayBeInFlight(profile, run, outage)) return outage;\n',
    from: 1_018_192,
  },
  {
    name: 'judge the age of an alarm by our own clock',
    file: 'src/engine/steps/unwell.ts',
    of: 'outage?.alarmsBefore ? isNew(alarm, outage.alarmsBefore) : ',
    instead:
      'outage?.alarmsBefore ? isNew(alarm, outage.alarmsBefore) || Number(alarm.since) >= Date.parse(outage.since) : ',
    from: 1_000_010,
  },
  {
    name: 'end a run because a host was unwell for a moment',
    file: 'src/engine/steps/system-stabilize.ts',
    of: '  if (unwell.length > 0) {\n',
    instead: '  if (unwell.length > 0) return hostGone(name);\n  if (unwell.length > 0) {\n',
  },
  {
    name: 'start a Job that somebody changed',
    file: 'src/engine/steps/mend-job.ts',
    of: '  if (altered === undefined) return undefined;\n',
    instead: "  if (altered === undefined || state === 'suspended') return undefined;\n",
  },
  {
    name: 'carry out the requests of a restored object',
    file: 'src/status/requests/requests.ts',
    of: '  if (status.uid !== undefined || status.run || status.requests) return status;\n',
    instead: '  if (metadata.finalizers) return status;\n',
  },
  {
    name: 'go on with a plan after an edit',
    file: 'src/status/order.ts',
    of: '  if (record.specDigest !== specDigest(spec))\n',
    instead: "  if (record.specDigest === 'none')\n",
  },
  {
    name: 'lock hosts before all are staged',
    file: 'src/planner/upgrade-stages.ts',
    of: '  return [...stagingOf(spec, toUpgrade), ',
    instead: '  return [...stagingOf(spec, toUpgrade).slice(0, 1), ',
  },
  {
    name: 'bring the controllers back first',
    file: 'src/planner/build.ts',
    of: 'const order = spec.release?.rollback ? ROLE_ORDER.toReversed() : ROLE_ORDER;',
    instead: 'const order = ROLE_ORDER;',
  },
  {
    name: 'upgrade the workers before the storage hosts',
    file: 'src/planner/build.ts',
    of: 'const order = spec.release?.rollback ? ROLE_ORDER.toReversed() : ROLE_ORDER;',
    instead:
      "const order = ROLE_ORDER.toSorted((a, b) => Number(a === 'storage') - Number(b === 'storage'));",
  },
  {
    name: 'bring hosts back after their release was activated',
    file: 'src/planner/problems/release-problems.ts',
    of: '  if (!rollback || activatedRelease === undefined ||',
    instead: '  if (!rollback || activatedRelease === undefined || rollback ||',
  },
  {
    name: 'judge the age of a machine by our own clock',
    file: 'src/engine/hosts/unstaged.ts',
    of: "Date.parse(stagedIn?.joinedBy ?? joinedBy ?? '')",
    instead: "Date.parse(stagedIn?.startTime ?? joinedBy ?? '')",
    from: 1_085_821,
  },
  {
    name: 'take the machine that has the name of a staged one for that one',
    file: 'src/engine/hosts/unstaged.ts',
    of: "Date.parse(stagedIn?.joinedBy ?? joinedBy ?? '')",
    instead: "Date.parse(stagedIn?.joinedBy ?? joinedBy ?? '') && joinedAt < 0",
    from: 1_889,
  },
  {
    name: 'leave out a hook whose host has left',
    file: 'src/engine/run/run-step.ts',
    of: '  return isForAll && remainingHosts(stage).length === 0;\n',
    instead: '  return isForAll && stage.hosts === undefined;\n',
  },
  {
    name: 'drain a host whose plan does not drain it',
    file: 'src/engine/steps/host-work.ts',
    of: 'isDrained(step) ? emptyAgain(step) : DONE;\n',
    instead: 'emptyAgain(step);\n',
  },
  {
    name: 'look for the owner of a claim in one kind only',
    file: 'src/resources/paths.ts',
    of: '  return { kind, namespace, name };\n',
    instead: "  return { kind: 'PatchStrategy', namespace, name };\n",
  },
  {
    name: 'move two servers of a group at once',
    file: 'src/hostops/openstack/leaving/servers-on-host.ts',
    of: '  if (!group) return undefined;\n  const moving',
    instead: "  if (!group || group.policy !== 'affinity') return undefined;\n  const moving",
    worlds: ['cloud'],
  },
  {
    name: 'enable a service that somebody else has disabled',
    file: 'src/hostops/openstack/host-writes.ts',
    of: 'const opens = !staysClosed && hasMaintenanceMark && ',
    instead: 'const opens = !staysClosed && ',
    from: 401,
    worlds: ['cloud'],
  },
  {
    name: 'replace the reason of somebody else',
    file: 'src/hostops/openstack/host-writes.ts',
    of: "if (claim.level !== 'touched' && !host.closedToNewWork)",
    instead: "if (claim.level !== 'touched')",
    worlds: ['cloud'],
  },
  {
    name: 'leave a server unconfirmed',
    file: 'src/hostops/openstack/leaving/next-move.ts',
    of: "if (finished?.type === 'migration') return { kind: 'confirm' };",
    instead: "if (finished?.type === 'migration') return HAS_LEFT;",
    worlds: ['cloud'],
  },
  {
    name: 'move more servers at once than the pool allows',
    file: 'src/hostops/openstack/servers-of-cloud.ts',
    of: 'if (cloud.inFlight >= maxMigrations)',
    instead: 'if (cloud.inFlight > maxMigrations)',
    worlds: ['cloud'],
  },
  {
    name: 'forget what was written to Nova',
    file: 'src/hostops/openstack/observed/observed-cloud.ts',
    of: '    if (!hasId(service) || !this.#isNews(service.host, ++this.#reads)) return;\n',
    instead: '    if (!hasId(service) || this.#reads >= 0) return;\n',
    worlds: ['cloud'],
  },
  ...SESSION_BUGS,
  ...CONSTRAINT_BUGS,
];
