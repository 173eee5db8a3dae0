/**
 * Time and chance for the code of simulated processes: it replaces the globals of the platform. While a simulation
 * runs, they ask its scheduler. So the operator runs as it is, without a parameter for each clock and timer.
 */
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import type { Scheduler, Task } from './scheduler.ts';

let active: Scheduler | undefined;
let installed = false;

/** From now on the scheduler gives the time; undefined: the machine does. */
export function usePlatformOf(scheduler: Scheduler | undefined): void {
  if (!installed) install();
  active = scheduler;
}

function install(): void {
  installed = true;
  const real = {
    Date,
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout,
    clearInterval,
    now: performance.now.bind(performance),
    random: Math.random,
    timeout: AbortSignal.timeout.bind(AbortSignal),
    any: AbortSignal.any.bind(AbortSignal),
    delay: timersPromises.setTimeout,
  };
  const wallNow = (): number => (active ? active.now + (active.owner?.clockErrorMs ?? 0) : real.Date.now());
  class SimulatedDate extends real.Date {
    constructor(...given: unknown[]) {
      // A cast: the overloads of Date take arguments that their callers have checked.
      super(...((given.length === 0 ? [wallNow()] : given) as [number]));
    }
    static override now(): number {
      return wallNow();
    }
  }
  const replaced = {
    Date: SimulatedDate,
    setTimeout: (act: () => void, ms = 0): unknown =>
      active ? new Timer(active, act, ms) : real.setTimeout(act, ms),
    setInterval: (act: () => void, ms = 0): unknown =>
      active ? new Timer(active, act, ms, true) : real.setInterval(act, ms),
    setImmediate: (act: () => void): unknown => (active ? new Timer(active, act, 0) : real.setImmediate(act)),
    clearTimeout: (timer: unknown): void => {
      if (timer instanceof Timer) timer.cancel();
      else real.clearTimeout(timer as NodeJS.Timeout); // any other timer comes from the machine
    },
  };
  Object.assign(globalThis, { ...replaced, clearInterval: replaced.clearTimeout });
  performance.now = () => (active ? active.now : real.now());
  Math.random = () => active?.owner?.chance() ?? real.random();
  AbortSignal.timeout = (ms) => (active ? timeoutSignal(ms) : real.timeout(ms));
  AbortSignal.any = (signals) => (active ? anySignal(signals) : real.any(signals));
  timersPromises.setTimeout = async <T>(ms?: number, value?: T, options?: DelayOptions): Promise<T> =>
    active ? delay(ms, value as T, options) : real.delay(ms, value, options);
  syncBuiltinESMExports();
}

type DelayOptions = { readonly signal?: AbortSignal | undefined; readonly ref?: boolean | undefined };

/** The result of setTimeout. */
class Timer {
  readonly #scheduler: Scheduler;
  readonly #owner: Scheduler['owner'];
  readonly #act: () => void;
  readonly #ms: number;
  readonly #repeats: boolean;
  #task: Task;

  constructor(scheduler: Scheduler, act: () => void, ms: number, repeats = false) {
    this.#scheduler = scheduler;
    this.#owner = scheduler.owner;
    this.#act = act;
    this.#ms = ms;
    this.#repeats = repeats;
    this.#task = this.#arrange();
  }

  cancel(): void {
    this.#task.cancel();
  }

  refresh(): this {
    this.#task.cancel();
    this.#task = this.#arrange();
    return this;
  }

  unref(): this {
    return this;
  }

  #arrange(): Task {
    const ring = (): void => {
      if (this.#repeats) this.#task = this.#arrange();
      this.#act();
    };
    return this.#scheduler.after(this.#ms, ring, this.#owner);
  }
}

function timeoutSignal(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException('The operation timed out', 'TimeoutError')), ms);
  return controller.signal;
}

const followers = new WeakMap<AbortSignal, Set<AbortController>>();

/** AbortSignal.any keeps a signal with listeners for ever: the signals of killed processes would never be freed. */
function anySignal(signals: Iterable<AbortSignal>): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) {
      controller.abort(signal.reason);
      break;
    }
    followersOf(signal).add(controller);
  }
  return controller.signal;
}

function followersOf(signal: AbortSignal): Set<AbortController> {
  const known = followers.get(signal);
  if (known) return known;
  const added = new Set<AbortController>();
  followers.set(signal, added);
  const abort = (): void => {
    for (const each of added) each.abort(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  return added;
}

async function delay<T>(ms: number | undefined, value: T, { signal }: DelayOptions = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(new Error('The operation was aborted', { cause: signal?.reason }));
    if (signal?.aborted) return refuse();
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve(value);
    }, ms);
    const aborted = (): void => {
      clearTimeout(timer);
      refuse();
    };
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
