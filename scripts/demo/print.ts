/** What the demonstration prints of a strategy: its plan, its progress and its end. */
import type { StrategyStatus, PhaseStatus } from '../../src/crds/observed/strategy-status.ts';
import type { Manifest } from '../../test/support/controlplane/apply.ts';

const started = Date.now();

export function say(line: string): void {
  console.log(`${seconds().padStart(6)} s  ${line}`);
}

function seconds(): string {
  return ((Date.now() - started) / 1000).toFixed(1);
}

export function printPlan({ applyPhase, message = '' }: StrategyStatus): void {
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
export function printProgress(phase: PhaseStatus | undefined, printed: Set<string>): void {
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

export function printEnd(strategy: Manifest, status: StrategyStatus): void {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  console.log(`\nPatchStrategy ${strategy.metadata.namespace ?? ''}/${strategy.metadata.name}`);
  console.log(`  state       ${status.state ?? ''}`);
  console.log(`  stages      ${status.stages ?? ''} (${String(status.completionPercentage ?? 0)} %)`);
  console.log(`  Ready       ${ready?.status ?? ''} (${ready?.reason ?? ''}): ${status.message ?? ''}`);
  console.log(`  took        ${seconds()} s in all, with the control plane\n`);
}
