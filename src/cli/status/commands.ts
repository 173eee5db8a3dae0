/** The commands that advice names: complete, so that they can be copied. Pure. */

/** How this command line was called. */
export type Called = {
  /** `careen`, or `kubectl careen`. */
  readonly program: string;
  /** The context of the kubeconfig, when it was chosen by an option. */
  readonly context?: string | undefined;
};

export type Commands = {
  /** The strategy as kubectl names it, such as `patchstrategy kernel`. */
  readonly object: string;
  /** A command of ours on the strategy, such as `apply --stage 1`. */
  readonly own: (verb: string, ...args: readonly string[]) => string;
  /** A command of ours about a host of the strategy, such as `release`. */
  readonly ofHost: (verb: string, host: string) => string;
  /** A command of kubectl in the namespace of the strategy. */
  readonly kubectl: (words: string) => string;
  /** A command of kubectl about something without a namespace. */
  readonly kubectlCluster: (words: string) => string;
  /** A command of ours about something else, such as `doctor`. */
  readonly other: (words: string) => string;
};

/** The strategy that commands are about, and the singular of its kind. */
export type Named = { readonly name: string; readonly namespace: string; readonly singular: string };

export function commandsFor({ name, namespace, singular }: Named, { program, context }: Called): Commands {
  const ofContext = context === undefined ? '' : ` --context ${quoted(context)}`;
  const inNamespace = ` -n ${namespace}${ofContext}`;
  return {
    object: `${singular} ${name}`,
    own: (verb, ...args) => [program, verb, name, ...args].join(' ') + inNamespace,
    ofHost: (verb, host) => `${program} ${verb} ${host} ${name}${inNamespace}`,
    other: (words) => `${program} ${words}${ofContext}`,
    kubectl: (words) => `kubectl${ofContext} -n ${namespace} ${words}`,
    kubectlCluster: (words) => `kubectl${ofContext} ${words}`,
  };
}

/** A word of a shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
