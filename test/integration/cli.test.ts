/** The command line on a real cluster, with the rights of the people that it is for. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Cluster, closed, type Fleet } from '../e2e/cluster.ts';
import { grantedRights, untilGranted, type Account } from '../support/audit/rights.ts';
import { apply, type Manifest } from '../support/controlplane/apply.ts';
import { installation } from '../support/controlplane/installation.ts';
import { writeServiceAccountKubeconfig } from '../support/controlplane/service-account.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { careen, ROOT, type Ended } from '../support/operator/careen-cli.ts';
import { kubeletPatch } from '../support/operator/strategies.ts';

const NAMESPACE = 'careen-hosts';
const QUICK_VERIFY = { timing: { verifyTimeoutSeconds: 3, settleSeconds: 0, stabilizeSeconds: 0 } };

let cluster: Cluster;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-cli-'));
  cluster = await Cluster.start();
  await person('approver', 'careen-approver');
  await person('nobody');
});
afterAll(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A person with a kubeconfig of that namespace, and a role there or none. */
async function person(name: string, role?: string): Promise<void> {
  const account = { namespace: NAMESPACE, name };
  await apply(cluster.admin, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account });
  if (role !== undefined) await grant(account, role);
  await writeServiceAccountKubeconfig(cluster.admin, NAMESPACE, name, kubeconfigOf(name));
}

async function grant(account: Account, role: string): Promise<void> {
  const rbac = 'rbac.authorization.k8s.io';
  const binding: Manifest = {
    ...{ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata: account },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  };
  await apply(cluster.admin, binding);
  await untilGranted(cluster.admin, account, grantedRights([...(await installation()), binding], account));
}

function kubeconfigOf(name: string): string {
  return join(folder, `${name}.kubeconfig`);
}

/** Runs the command line as the approver, or as somebody else. */
const called = (args: string, KUBECONFIG = kubeconfigOf('approver')): Promise<Ended> =>
  careen(args.split(' '), { environment: { KUBECONFIG, USER: 'jane' } });

/** A strategy with a plan, in Hold. */
async function planned(pool: string, workers: number, spec: Record<string, unknown> = {}): Promise<Fleet> {
  const fleet = await cluster.fleet(pool, workers, 1);
  await fleet.apply({ patches: [kubeletPatch], ...spec });
  await fleet.untilState('ready-to-apply');
  return fleet;
}

function digest(status: Awaited<ReturnType<Fleet['status']>>): string {
  return status.run?.planDigest ?? '';
}

describe('what a person asks for', () => {
  it('is placed, answered and carried out: a stage, then the reviewed plan', async () => {
    const fleet = await planned('asked', 2);
    const plan = digest(await fleet.status());
    const wrong = await called('apply pstrat/asked --stage 1');
    expect(wrong).toMatchObject({ status: 3, err: '' });
    expect(wrong.out).toMatch(
      /^patchstrategy\/asked in namespace careen-hosts: apply-stage, request jane-[\w-]+\nrefused: stage 1 is not the next one; the next one is 0\n$/,
    );
    const stage = await called('apply asked --stage 0');
    expect(stage).toMatchObject({ status: 0, err: '' });
    expect(stage.out).toContain(
      'accepted: stage 0 is carried out, then the run waits\nfollow it: careen watch asked',
    );
    await fleet.until('a wait before stage 1', ({ stages }) => stages === '1/2');

    const other = `sha256:${'0'.repeat(64)}`;
    const refused = await called(`approve asked --plan ${other}`);
    expect(refused.status).toBe(3);
    expect(refused.out.replaceAll('\n', ' ')).toContain(`refused: the plan is now ${plan}, not ${other}`);
    const approved = await called('approve asked');
    expect(approved.status).toBe(0);
    expect(approved.out).toMatch(new RegExp(`^approves ${plan}: .+\n`));
    const again = await called('approve asked -o json');
    expect(JSON.parse(again.out)).toMatchObject({ verb: 'approve', answer: 'refused' });
    await fleet.untilState('applied');
  });

  it('about a failed run: retry, resume, release of a host, abort', async () => {
    const fleet = await cluster.fleet('failed', 2, 1);
    await fleet.annotate('failed-0', { [BEHAVIOUR_ANNOTATION]: 'exit-7' });
    await fleet.apply(QUICK_VERIFY);
    await fleet.untilState('ready-to-apply');
    expect((await called('apply failed')).status).toBe(0);
    await fleet.untilState('apply-failed');
    const failsAgain = async () =>
      fleet.until('another failure', ({ state = '' }) => /^apply-(failed|timeout)$/.test(state));
    expect(await called('retry failed')).toMatchObject({ status: 0, err: '' });
    await failsAgain();
    expect(await called('resume failed')).toMatchObject({ status: 0, err: '' });
    await failsAgain();
    const stranger = await called('release failed-9 failed');
    expect(stranger.status).toBe(3);
    expect(stranger.out).toContain('refused: this run holds no host failed-9');
    const released = await called('release node/failed-0');
    expect(released).toMatchObject({
      status: 0,
      err: 'careen: patchstrategy/failed in namespace careen-hosts holds failed-0\n',
    });
    expect((await called('abort failed')).status).toBe(0);
    await fleet.untilState('aborted');
    expect(closed(await fleet.nodes())).toEqual([]);
  });

  it('waits for the end of Suspend, and nothing replaces it meanwhile', async () => {
    const fleet = await planned('still', 1);
    const suspended = await called('suspend still');
    expect(suspended).toMatchObject({ status: 0, err: '' });
    expect(suspended.out).toContain(
      'patchstrategy/still in namespace careen-hosts: execution.mode was Hold, is now Suspend',
    );
    const waiting = await called('apply still');
    expect(waiting.status).toBe(2);
    expect(waiting.out).toContain('waiting: it is answered when Suspend ends');
    const second = await called('retry still');
    expect(second.status).toBe(1);
    expect(second.err).toMatch(
      /^careen: request jane-[\w-]+ \(apply-all\) of patchstrategy\/still has no answer yet: wait for it, or withdraw it by kubectl annotate -n careen-hosts patchstrategy\/still careen.dev\/request-\n$/,
    );
    expect((await called('hold still')).out).toContain('execution.mode was Suspend, is now Hold');
    await fleet.untilState('applied');
    expect((await called('hold still')).out).toContain('execution.mode is Hold already');
  });
});

describe('what goes wrong', () => {
  let secret: Fleet;
  beforeAll(async () => {
    secret = await planned('secret', 1);
  });

  it('without a right names the role that has it', async () => {
    const { status, out, err } = await called('apply secret', kubeconfigOf('nobody'));
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toBe(
      'careen: context nobody has no right to get patchstrategies in namespace careen-hosts: the ClusterRole careen-viewer ' +
        'has it; an administrator binds it by kubectl -n careen-hosts create rolebinding NAME --clusterrole=careen-viewer ' +
        '--serviceaccount=careen-hosts:nobody\n',
    );
  });

  it('with a name that does not exist has the names that do', async () => {
    const { status, err } = await called('apply secre');
    expect(status).toBe(1);
    expect(err).toMatch(/^careen: namespace careen-hosts has no strategy secre; it has secret/);
    const empty = await called('apply secret -n default', cluster.plane.kubeconfig);
    expect(empty.err).toBe(
      'careen: namespace default has no strategy secret, and no other one: choose another with -n; ' +
        'there are strategies in careen-hosts\n',
    );
  });

  it('without an operator ends after the time-out, with the cause; careen run is then one', async () => {
    const refused = await called('run', cluster.plane.kubeconfig);
    expect(refused.status).toBe(1);
    expect(refused.err).toMatch(
      /^careen: the operator \S+ leads here: it renewed Lease careen-system\/careen/,
    );

    await cluster.operator.stop();
    onTestFinished(() => cluster.startOperator());
    const silent = await called('apply secret --timeout 1s -n careen-hosts', cluster.plane.kubeconfig);
    expect(silent.status).toBe(4);
    expect(silent.out.replaceAll('\n', ' ')).toContain(
      'no answer within 1 s: no operator runs: nobody holds Lease careen-system/careen;',
    );

    const trial = spawn(join(ROOT, 'bin', 'careen'), ['run'], {
      env: { ...process.env, KUBECONFIG: cluster.plane.kubeconfig, CAREEN_LEASE_SECONDS: '6' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => trial.once('exit', resolve));
    onTestFinished(() => void trial.kill());
    for await (const line of createInterface(trial.stdout)) if (line.includes('careen is running')) break;
    await secret.untilState('applied');
    trial.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

it('careen version names what leads and what serves', async () => {
  const { status, out } = await called('version', cluster.plane.kubeconfig);
  expect(status).toBe(0);
  expect(out).toMatch(/^client {4}\d\S+\noperator {2}.*\nkinds {5}those of this version\nserver {4}v1\.\d+/);
});
