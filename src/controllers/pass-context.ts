import type { HostOps } from '../hostops/port.ts';
import type { Attachment } from './attachments.ts';
import type { CareenApi, HostPool, PatchStrategy } from './careen-api.ts';

export type Logger = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

export type ReconcilerDeps = {
  readonly api: CareenApi;
  readonly hosts: HostOps;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly newId: () => string;
  /** Has a strategy looked at again: now, or after some milliseconds. */
  readonly again: (key: string, afterMilliseconds?: number) => void;
};

/** What one pass works with: all of it was read at its beginning. */
export type PassContext = {
  readonly deps: ReconcilerDeps;
  /** namespace/name. */
  readonly key: string;
  readonly signal: AbortSignal;
  readonly attachment: Attachment;
  readonly strategy: PatchStrategy;
  readonly pool: HostPool | undefined;
};
