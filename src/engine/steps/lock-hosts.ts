import { DONE, ask, failed, hostGone, keyOf, type HostStep, type Verdict } from './verdict.ts';

/** Claims the host for this run; in an outage of level `away` that closes it, too. */
export function lockHost(step: HostStep): Verdict {
  const { facts, outage, name, stage, run, owner, plan } = step;
  if (!facts) return hostGone(name);
  if (!outage) return { kind: 'blocked', reason: `${name} waits for its permit` };
  if (facts.claim?.run === run) return DONE;
  if (facts.claim) {
    const { namespace, name: other } = facts.claim.owner;
    return { kind: 'blocked', reason: `${name} is held by strategy ${namespace}/${other}` };
  }
  const claim = {
    run,
    owner,
    planDigest: plan.digest,
    stage: stage.id,
    level: outage.level,
    closedBefore: facts.closed,
    since: outage.since,
  };
  const effect = {
    kind: 'claim',
    key: keyOf(step, 'lock-hosts', ''),
    host: name,
    revision: facts.revision,
    claim,
  } as const;
  return ask(step, effect, `locking ${name}`);
}

/** A failure when the host's claim went away while we worked on it. */
export function claimLost({ facts, name, run }: HostStep): Verdict | undefined {
  if (!facts) return hostGone(name);
  if (facts.claim?.run === run) return undefined;
  return failed(
    `${name} lost the claim of this run: somebody removed or replaced its annotation careen.dev/claim`,
  );
}
