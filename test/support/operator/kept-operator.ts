/** An operator that is started again whenever it has ended, as a kubelet does with a pod's container. */
import { spawnOperator, type OperatorOptions, type RunningOperator } from './operator.ts';

export type KeptOperatorOptions = OperatorOptions & {
  /** Awaited between an end and the next start. */
  readonly beforeRestart?: () => Promise<void>;
};

export type KeptOperator = RunningOperator & {
  /** How often it was started. */
  readonly starts: number;
};

/** Starts the operator and keeps it: `kill` ends the process that runs now, `stop` ends all. Lines are those of all processes. */
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
      // It may be stopped while that is awaited.
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
