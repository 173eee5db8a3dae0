/**
 * The operator's requests to the API servers of a whole test run, from their
 * audit logs: the rights that it used, and the rights that it lacked.
 */
import { randomUUID } from 'node:crypto';
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { describeRight, type Right } from './rights.ts';

const OPERATOR = 'system:serviceaccount:careen-system:careen';

/** The writes that take hosts out of service: audited-writes.ts needs their bodies and the bodies of their answers. */
const WITH_BODIES = {
  level: 'RequestResponse',
  users: [OPERATOR],
  verbs: ['create', 'patch'],
  resources: [
    { group: '', resources: ['nodes', 'pods/eviction'] },
    { group: 'batch', resources: ['jobs'] },
    { group: 'careen.dev', resources: ['hostpools/status'] },
  ],
  omitManagedFields: true,
};

/** JSON is YAML, too. A watch has its own stage, ResponseStarted: a killed watch has no end to report. */
const POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [WITH_BODIES, { level: 'Metadata', users: [OPERATOR] }, { level: 'None' }],
});

export type Audit = { readonly args: readonly string[]; readonly logFile: string };

/**
 * Arguments for `startControlPlane` that make the API server log the operator's
 * requests, in a file of its own in the folder.
 */
export async function auditIn(folder: string): Promise<Audit> {
  const file = join(folder, randomUUID());
  await writeFile(`${file}.policy.json`, POLICY);
  const args = [
    `--apiserver-arg=--audit-policy-file=${file}.policy.json`,
    `--apiserver-arg=--audit-log-path=${file}.log`,
  ];
  return { args, logFile: `${file}.log` };
}

/** The same in the folder of CAREEN_AUDIT_DIR; no arguments without that variable. */
export async function auditArgs(): Promise<readonly string[]> {
  const folder = process.env['CAREEN_AUDIT_DIR'];
  return folder ? (await auditIn(folder)).args : [];
}

/** All lines that API servers wrote to a folder. */
export async function auditLines(folder: string): Promise<string[]> {
  const texts = globSync(join(folder, '*.log')).map(async (file) => readFile(file, 'utf8'));
  return (await Promise.all(texts)).flatMap((text) => text.split('\n')).filter((line) => line !== '');
}

const eventSchema = z.object({
  verb: z.string(),
  requestURI: z.string(),
  // Paths such as /version are no resources.
  objectRef: z
    .object({
      apiGroup: z.string().default(''),
      resource: z.string(),
      subresource: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  annotations: z.record(z.string(), z.string()).default({}),
});
type AuditEvent = z.infer<typeof eventSchema>;
const DECISION = 'authorization.k8s.io/decision';

export type Forbidden = { readonly right: Right; readonly message: string };

/** The allowed uses, each right once; its namespace or name is that of the object. */
export function usedRights(lines: readonly string[]): Right[] {
  const used = new Map<string, Right>();
  for (const event of lines.map(parse)) {
    const right = rightOf(event);
    if (event.annotations[DECISION] === 'allow') used.set(describeRight(right), right);
  }
  return [...used.values()];
}

/** The forbidden requests, each once. */
export function forbiddenUses(lines: readonly string[]): Forbidden[] {
  const forbidden = new Map<string, Forbidden>();
  for (const event of lines.map(parse)) {
    if (event.annotations[DECISION] !== 'forbid') continue;
    const right = rightOf(event);
    const what = describeRight(right);
    forbidden.set(what, { right, message: `${what}: ${event.requestURI}` });
  }
  return [...forbidden.values()];
}

function parse(line: string): AuditEvent {
  return eventSchema.parse(JSON.parse(line));
}

function rightOf({ verb, objectRef, requestURI }: AuditEvent): Right {
  const [path = ''] = requestURI.split('?');
  if (!objectRef) return { group: '', resource: path, verb };
  const { apiGroup, resource, subresource, namespace, name } = objectRef;
  return {
    group: apiGroup,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    verb,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { objectName: name }),
  };
}
