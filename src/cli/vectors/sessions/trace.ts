type Move = {
  readonly instance: string;
  readonly source: string;
  readonly target?: string | undefined;
  /** Unix time in milliseconds; a recording has none. */
  readonly at?: number;
};

/** What happened in a session, in order: the part of a trace that recordings bind. */
export type TraceEvent =
  | { readonly kind: 'state'; readonly state: string }
  | {
      readonly kind: 'asked';
      readonly project: string;
      readonly state: string;
      readonly allowedActions: readonly string[];
      /** The instance about which alone it is asked. */
      readonly instance?: string;
    }
  | { readonly kind: 'instance-done'; readonly project: string; readonly instance: string }
  | { readonly kind: 'told-of-host'; readonly host: string; readonly state: string }
  | { readonly kind: 'host'; readonly host: string; readonly schedulable: boolean }
  /** An instance begins to move. */
  | ({ readonly kind: 'moving' } & Move)
  /** It has moved. */
  | ({ readonly kind: 'move' } & Move)
  /** Its move was called off. */
  | { readonly kind: 'called-off'; readonly instance: string; readonly at: number }
  | { readonly kind: 'plug-in'; readonly plugin: string; readonly host: string; readonly state: string }
  | {
      readonly kind: 'answered';
      readonly project: string;
      readonly state: string;
      readonly actions: readonly string[];
      readonly instance?: string;
    }
  /** The owner of an instance has removed it. */
  | { readonly kind: 'removed'; readonly instance: string; readonly at: number }
  /** The owner of an instance has made another one in its place. */
  | { readonly kind: 'added'; readonly instance: string; readonly host: string }
  | { readonly kind: 'deleted' };
