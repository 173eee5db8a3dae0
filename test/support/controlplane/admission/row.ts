/** A row of the admission test, and the messages of rules that several kinds share. */
import type { Manifest } from '../apply.ts';

export type AcceptedRow = { readonly name: string; readonly manifest: Manifest };

export type RefusedRow = {
  readonly name: string;
  readonly manifest: Manifest;
  /** The field in the refusal. */
  readonly path: string;
  /** A CEL rule, a list with unique entries, or the shape of the field. */
  readonly by: 'rule' | 'list' | 'shape';
  /** The message of the rule, or the API server's message about the field. */
  readonly says: string | RegExp;
};

export const ONE_ACTION =
  'must have either job, which runs on the host, or manual, for work that a person does';
export const byRule = (name: string, manifest: Manifest, path: string, says: string): RefusedRow => ({
  name,
  manifest,
  path,
  by: 'rule',
  says,
});
export const byList = (name: string, manifest: Manifest, path: string): RefusedRow => ({
  name,
  manifest,
  path,
  by: 'list',
  says: /Duplicate value/,
});
export const byShape = (name: string, manifest: Manifest, path: string, says = /./): RefusedRow => ({
  name,
  manifest,
  path,
  by: 'shape',
  says,
});

export const shown = (value: unknown): string => JSON.stringify(value);

export const SOME_VALUES = 'values must have at least one entry with In and NotIn';
export const NO_VALUES = 'values must be left out with Exists';
export const ONE_VERSION =
  'values must be one version that begins with a number that stands by itself, such as ["6.12.48"], with AtLeast';
export const ALL_IGNORED = 'controllerApplyType, storageApplyType and workerApplyType must not all be ignore';
export const PINNED =
  'nodeName, nodeSelector and affinity must not be set: Careen pins the pod to the host it works on';
export const RESTARTED = 'restartPolicy must be Never or left out';
export const LABEL_KEYS =
  'each key must be the key of a label: letters, digits, "-", "_" and ".", at most 63, a letter or digit at both ' +
  'ends; before it, if wanted, a domain and "/"';

export const NOT_SUPPORTED = /supported values/;
