/** An operator that is restarted whenever it has ended, like a container by its kubelet. */
import { spawnOperator, type OperatorOptions, type RunningOperator } from './operator.ts';

export type KeptOperatorOptions = OperatorOptions & {
  /** Awaited between an end and the next start. */
  readonly beforeRestart?: () => Promise<void>;
};

export type KeptOperator = RunningOperator & {
  /** The number of its starts. */
  readonly starts: number;
};

/** Starts and restarts the operator: `kill` ends the running process, `stop` ends all. `lines` has those of all. */
export function keepOperator(
  kubeconfig: string,
  { beforeRestart, ...options }: KeptOperatorOptions = {},
): KeptOperator {
  const lines: string[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<number | NodeJS.Signals>();
  let [starts, stopping] = [0, false];
  const onLine = (line: string): void => {
    lines.push(line);
    options.onLine?.(line);
  };
  const start = (): RunningOperator => {
    starts++;
    return spawnOperator(kubeconfig, { ...options, onLine });
  };
  let current = start();
  const keep = async (): Promise<void> => {
    for (;;) {
      const how = await current.ended;
      if (!stopping) await beforeRestart?.();
      // A stop may come during this wait.
      if (stopping) {
        end(how);
        return;
      }
      current = start();
    }
  };
  void keep();
  return {
    lines,
    ended,
    get starts() {
      return starts;
    },
    get pid() {
      return current.pid;
    },
    get leads() {
      return current.leads;
    },
    address: () => current.address(),
    signal: (signal) => current.signal(signal),
    kill: () => current.kill(),
    stop: async () => {
      stopping = true;
      await current.stop();
      await ended;
    },
  };
}
