/** Events to record, and an API server that records the requests to it. */
import type { CareenEvent, ObjectReference } from '../../../src/telemetry/event-object.ts';
import { EventRecorder, type SendEvent } from '../../../src/telemetry/events.ts';

export const START = Date.parse('2026-11-25T03:00:00Z');
export const MINUTE = 60_000;

export const strategy: ObjectReference = {
  apiVersion: 'careen.dev/v1alpha1',
  kind: 'PatchStrategy',
  namespace: 'careen-hosts',
  name: 'kernel-2026-11',
  uid: 'a1',
};

export function node(name: string): ObjectReference {
  return { apiVersion: 'v1', kind: 'Node', name, uid: `uid-${name}` };
}

export function locked(host = 'worker-3'): CareenEvent {
  return {
    reason: 'HostLocked',
    regarding: strategy,
    related: node(host),
    note: `${host} was taken out of service`,
  };
}

export function stage(number: number): CareenEvent {
  const subject = String(number);
  return { reason: 'StageStarted', regarding: strategy, subject, note: `stage ${subject} begins` };
}

export class RecordingServer {
  now = START;
  readonly sent: { readonly method: string; readonly path: string; readonly body: unknown }[] = [];
  /** The fields of the recorder's log lines. */
  readonly warnings: object[] = [];
  /** Its answers to the next requests; undefined: it accepts. */
  answers: (Error | undefined)[] = [];
  /** Resolves when the server answers; at once unless it is replaced. */
  answering: Promise<unknown> = Promise.resolve();

  readonly #send: SendEvent = async (method, path, body) => {
    await this.answering;
    this.sent.push({ method, path, body });
    const answer = this.answers.shift();
    if (answer) throw answer;
  };

  recorder(instance = 'careen-7d9f-x2'): EventRecorder {
    return new EventRecorder({
      send: this.#send,
      log: { warn: (fields) => void this.warnings.push(fields) },
      instance,
      clock: () => this.now,
    });
  }

  /** Records events one after the other, each sent before the next. */
  async record(events: readonly CareenEvent[], into = this.recorder()): Promise<EventRecorder> {
    for (const event of events) {
      into.record(event);
      await into.flush(MINUTE);
    }
    return into;
  }

  /** The requests, with `#` for the digest in an event's name. */
  requests(): string[] {
    return this.sent.map(({ method, path }) => `${method} ${path.replace(/\.[0-9a-f]{16}$/, '.#')}`);
  }
}
