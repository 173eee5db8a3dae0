/** Situations of a host that its adapter puts into words: the core knows only which one it is. */
export type HostSituation =
  /** Somebody opened it to new work while we work on it. */
  | 'opened-by-others'
  /** Somebody closed it to new work. */
  | 'closed-by-others'
  /** We close it once more, after somebody opened it. */
  | 'closing-again'
  /** We closed it and put our claim on it. */
  | 'claimed'
  /** Its claim was removed or replaced while we work on it. */
  | 'claim-lost'
  /** What is in the place of a claim is none. */
  | 'claim-spoilt'
  /** It stays closed to new work after a failure. */
  | 'kept-locked'
  /** It runs work that must not be moved without consent. */
  | 'consent-missing';

/** An instance by its name: a pod, or later a server. */
export type InstanceName = { readonly namespace: string; readonly name: string };

/**
 * How an adapter of the hosts words messages: with the names and commands of its provider. Equal arguments give equal
 * words; nothing is looked up.
 */
export type HostWords = {
  /** The situation as a sentence about the host, without a full stop. */
  readonly says: (situation: HostSituation, host: string) => string;
  /** What a person does about it: a command where there is one. `host` may be left out where several are meant. */
  readonly remedy: (situation: HostSituation, host?: string) => string;
  /** One instance, such as `pod default/web-1`. */
  readonly instance: (instance: InstanceName) => string;
  /** A number of instances, such as `2 pods`. */
  readonly instances: (count: number) => string;
  /** Why instances need consent to be moved, and how it is given, if it can be; comes after their names. */
  readonly consent: (why: 'protected' | 'unmanaged' | 'local-data') => string;
  /** A budget of instances that may be down at once, and the command that shows it. */
  readonly budget: (budget: InstanceName) => { readonly says: string; readonly inspect: string };
  /** Since when an instance is shutting down, and who delays its end; comes after its name. */
  readonly leaving: (end: SlowEnd) => string;
  /** Why an instance that came to a closed host is not moved, and the remedy; comes after its name. */
  readonly ignoresClosing: (controller: string) => string;
};

/** An instance that is shutting down. */
export type SlowEnd = {
  /** RFC 3339. */
  readonly since: string;
  readonly isOverdue: boolean;
  /** Who must agree before it is gone, besides its host. */
  readonly heldBy: readonly string[];
  readonly hostIsReady: boolean;
};
