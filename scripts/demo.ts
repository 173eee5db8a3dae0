/**
 * The demonstration: a whole patch strategy on a real control plane with twelve
 * simulated nodes. `KEEP=1` keeps everything running at the end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  patchStrategyStatus,
  type PatchStrategyStatus,
  type PhaseStatus,
} from '../src/crds/patch-strategy-status.ts';
import { apply, mergePatch, read, readManifests, type Manifest } from '../test/support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../test/support/controlplane/controlplane.ts';
import { eventually } from '../test/support/eventually.ts';
import {
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../test/support/operator/operator.ts';
import { createNodes } from '../test/support/hosts/simulated-nodes.ts';
import { startHostStandin, type RunningStandin } from '../test/support/hosts/start-host-standin.ts';
import { demoNodes, demoWorkloads } from './demo-fleet.ts';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');
const STRATEGY_SECONDS = 300;

const started = Date.now();
const folder = await mkdtemp(join(tmpdir(), 'careen-demo-'));
const closing: (() => Promise<void>)[] = [];
process.once('SIGINT', () => void close().then(() => process.exit(130)));
try {
  await demonstrate();
  if (process.env['KEEP']) await stayUp();
} finally {
  await close();
}

async function demonstrate(): Promise<void> {
  say('starting a real Kubernetes control plane');
  const plane: ControlPlane = await startControlPlane({ dir: join(folder, 'cluster') });
  closing.push(() => plane.stop());
  const admin = connect(plane.kubeconfig);

  say(`adding ${String(demoNodes.length)} simulated nodes, with Deployments and disruption budgets on them`);
  await installCareen(admin);
  await createNodes(admin, demoNodes);
  await apply(admin, ...demoWorkloads);
  await apply(admin, ...(await readManifests(join(ROOT, 'deploy', 'pools', 'host-pool-default.yaml'))));
  const standin: RunningStandin = await startHostStandin(admin, {
    patches: { 'kernel-6.12.48': { kernelVersion: '6.12.48' } },
  });
  closing.push(() => standin.stop());

  say('starting the operator, a process of its own with the rights of its service account');
  const kubeconfig = join(folder, 'operator.kubeconfig');
  await writeOperatorKubeconfig(admin, kubeconfig);
  const operator: RunningOperator = await startOperator(kubeconfig);
  closing.push(() => operator.stop());

  say('applying examples/patch-strategy.yaml');
  const [strategy] = await readManifests(join(ROOT, 'examples', 'patch-strategy.yaml'));
  if (!strategy) throw new Error('examples/patch-strategy.yaml is empty');
  await apply(admin, strategy);
  let seen: PatchStrategyStatus = {};
  const observe = async (): Promise<PatchStrategyStatus> => (seen = statusOf(await read(admin, strategy)));
  const describe = (): unknown => ({ message: seen.message, operator: operator.lines.slice(-3) });
  await eventually('a plan', async () => (await observe()).state === 'ready-to-apply', { describe });
  printPlan(seen);

  say('setting spec.execution.mode to Run');
  await mergePatch(admin, strategy, { spec: { execution: { mode: 'Run' } } });
  const printed = new Set<string>();
  await eventually(
    'the end of the strategy',
    async () => {
      printProgress((await observe()).applyPhase, printed);
      return ['applied', 'apply-failed', 'apply-timeout', 'aborted'].includes(seen.state ?? '');
    },
    { seconds: STRATEGY_SECONDS, describe },
  );
  printEnd(strategy, seen);
  if (process.env['KEEP']) printHowToInspect(plane.kubeconfig, strategy);
  if (seen.state !== 'applied') process.exitCode = 1;
}

function statusOf(object: unknown): PatchStrategyStatus {
  return z.looseObject({ status: patchStrategyStatus.default({}) }).parse(object).status;
}

function printPlan({ applyPhase, message = '' }: PatchStrategyStatus): void {
  console.log(`\nThe plan (${message}):\n`);
  console.log(`  ${'stage'.padEnd(6)}${'name'.padEnd(26)}${'hosts'.padEnd(34)}patches`);
  for (const { id, name, hosts = [], patches = [] } of applyPhase?.stages ?? []) {
    console.log(
      `  ${String(id).padEnd(6)}${name.padEnd(26)}${hosts.join(' ').padEnd(34)}${patches.join(' ')}`,
    );
  }
  const [stage] = applyPhase?.stages ?? [];
  console.log(`\n  each stage: ${(stage?.steps ?? []).map((step) => step.name).join(' > ')}\n`);
}

/** Prints each stage and step once, as it begins or ends. */
function printProgress(phase: PhaseStatus | undefined, printed: Set<string>): void {
  const once = (key: string, line: string): void => {
    if (printed.has(key)) return;
    printed.add(key);
    say(line);
  };
  for (const stage of phase?.stages ?? []) {
    if (stage.result !== 'initial')
      once(
        `stage ${String(stage.id)}`,
        `stage ${String(stage.id)} ${stage.name}: ${(stage.hosts ?? []).join(' ')}`,
      );
    for (const step of stage.steps) {
      if (!step.endTime || !step.startTime) continue;
      const took = (Date.parse(step.endTime) - Date.parse(step.startTime)) / 1000;
      const line = `  ${step.name.padEnd(28)} ${step.result.padEnd(9)} ${took.toFixed(1).padStart(5)} s ${step.reason ?? ''}`;
      once(`step ${String(stage.id)}/${String(step.id)}`, line.trimEnd());
    }
  }
}

function printEnd(strategy: Manifest, status: PatchStrategyStatus): void {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  console.log(`\nPatchStrategy ${strategy.metadata.namespace ?? ''}/${strategy.metadata.name}`);
  console.log(`  state       ${status.state ?? ''}`);
  console.log(`  stages      ${status.stages ?? ''} (${String(status.completionPercentage ?? 0)} %)`);
  console.log(`  Ready       ${ready?.status ?? ''} (${ready?.reason ?? ''}): ${status.message ?? ''}`);
  console.log(`  took        ${seconds()} s in all, with the control plane\n`);
}

function printHowToInspect(kubeconfig: string, { metadata: { name, namespace = '' } }: Manifest): void {
  console.log(`Everything keeps running. Inspect it with kubectl in another terminal:

  export KUBECONFIG=${kubeconfig}
  kubectl get strategy --all-namespaces
  kubectl -n ${namespace} get patchstrategy ${name} -o yaml
  kubectl get hostpool default -o yaml
  kubectl get nodes -o custom-columns=NAME:.metadata.name,KERNEL:.status.nodeInfo.kernelVersion,BOOT:.status.nodeInfo.bootID
  kubectl explain patchstrategy.spec

End it with Ctrl-C.`);
}

async function stayUp(): Promise<void> {
  await new Promise(() => setInterval(() => undefined, 60_000));
}

async function close(): Promise<void> {
  for (const each of closing.splice(0).reverse()) await each();
  await rm(folder, { recursive: true, force: true });
}

function say(line: string): void {
  console.log(`${seconds().padStart(6)} s  ${line}`);
}

function seconds(): string {
  return ((Date.now() - started) / 1000).toFixed(1);
}
