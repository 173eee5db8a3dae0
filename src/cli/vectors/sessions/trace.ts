/** What happened in a session, in order: the part of a trace that recordings bind. */
export type TraceEvent =
  | { readonly kind: 'state'; readonly state: string }
  | {
      readonly kind: 'asked';
      readonly project: string;
      readonly state: string;
      readonly allowedActions: readonly string[];
    }
  | { readonly kind: 'instance-done'; readonly project: string; readonly instance: string }
  | { readonly kind: 'told-of-host'; readonly host: string; readonly state: string }
  | { readonly kind: 'host'; readonly host: string; readonly schedulable: boolean }
  | {
      readonly kind: 'move';
      readonly instance: string;
      readonly source: string;
      readonly target?: string | undefined;
    }
  | { readonly kind: 'plug-in'; readonly plugin: string; readonly host: string; readonly state: string }
  | {
      readonly kind: 'answered';
      readonly project: string;
      readonly state: string;
      readonly actions: readonly string[];
    }
  /** The owner of an instance has removed it. */
  | { readonly kind: 'removed'; readonly instance: string }
  | { readonly kind: 'deleted' };
