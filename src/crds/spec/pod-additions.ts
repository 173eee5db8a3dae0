/** What Careen adds to the containers of a Job. Pure. */
import type { JobAction } from './host-action.ts';

type PodSpec = JobAction['template']['spec'];

/** The pod with these variables in the environment of each container, after those of its own. */
export function withVariables(spec: PodSpec, variables: Readonly<Record<string, string>>): PodSpec {
  const own = Object.entries(variables).map(([name, value]) => ({ name, value: literally(value) }));
  return withInEachContainer(spec, 'env', own);
}

/** The pod with these entries in a list of each container, after those that are there. */
export function withInEachContainer(
  spec: PodSpec,
  list: 'env' | 'volumeMounts',
  entries: readonly object[],
): PodSpec {
  const { initContainers } = spec;
  const added = <T>(container: T): T => {
    if (typeof container !== 'object' || container === null) return container;
    const before: unknown = Reflect.get(container, list);
    return { ...container, [list]: [...listIn(before), ...entries] };
  };
  return {
    ...spec,
    containers: spec.containers.map(added),
    ...(Array.isArray(initContainers) ? { initContainers: initContainers.map(added) } : {}),
  };
}

/** A list in a part of a pod spec that is not described; empty where there is none. */
export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The kubelet replaces `$(NAME)` in a value by another variable, which may be that of a Secret. */
function literally(value: string): string {
  return value.replaceAll('$', '$$$$');
}
