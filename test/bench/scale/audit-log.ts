/** The requests of a run, from the audit log of its API server: those of the measured programs, and what happens to hosts. */
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

export const OPERATOR = 'system:serviceaccount:careen-system:careen';
/** The namespace of the accounts of the programs to compare with. */
export const COMPARED_NAMESPACE = 'careen-compared';
export const comparedUser = (name: string): string => `system:serviceaccount:${COMPARED_NAMESPACE}:${name}`;

/** One file for a whole run: the API server begins a new one after 100 MB otherwise. */
const MAX_MEGABYTES = 1_000_000;

export type Logged = {
  readonly user: string;
  readonly verb: string;
  /** With its subresource: `pods/eviction`. */
  readonly resource: string;
  readonly name: string;
  /** In milliseconds. */
  readonly received: number;
  readonly answered: number;
  readonly code: number;
  readonly body: unknown;
  /** The resource version of the object in the answer: etcd's revision, when the request wrote it. */
  readonly revision: string | undefined;
};

/** Arguments that make an API server log in a file of this folder. */
export async function auditInto(
  folder: string,
  compared: readonly string[],
): Promise<{ readonly args: readonly string[]; readonly file: string }> {
  const [file, policyFile] = [join(folder, 'audit.log'), join(folder, 'audit-policy.json')];
  const users = [OPERATOR, ...compared.map(comparedUser)];
  const hosts = [
    { group: '', resources: ['nodes', 'nodes/status'] },
    { group: 'batch', resources: ['jobs/status'] },
  ];
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    omitManagedFields: true,
    rules: [
      // The answer is the whole strategy: as large as the plan.
      {
        level: 'Request',
        users,
        resources: [{ group: 'careen.dev', resources: ['patchstrategies/status'] }],
      },
      { level: 'RequestResponse', users, verbs: ['create', 'update', 'patch', 'delete'] },
      { level: 'Metadata', users },
      { level: 'Metadata', verbs: ['delete'], resources: [{ group: '', resources: ['pods'] }] },
      { level: 'Request', verbs: ['patch', 'update'], resources: hosts },
      { level: 'None' },
    ],
  };
  await writeFile(policyFile, JSON.stringify(policy));
  const settings = { 'policy-file': policyFile, 'log-path': file, 'log-maxsize': MAX_MEGABYTES };
  const args = Object.entries(settings).map(
    ([name, value]) => `--apiserver-arg=--audit-${name}=${String(value)}`,
  );
  return { args, file };
}

const event = z.object({
  stage: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  user: z.object({ username: z.string() }),
  requestReceivedTimestamp: z.string(),
  stageTimestamp: z.string(),
  objectRef: z
    .object({ resource: z.string(), subresource: z.string().optional(), name: z.string().default('') })
    .optional(),
  responseStatus: z.object({ code: z.number().default(0) }).default({ code: 0 }),
  requestObject: z.unknown().optional(),
  responseObject: z.unknown().optional(),
});
const versioned = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** One line; undefined for the end of a watch, whose beginning has a line of its own. */
export function parseLine(line: string): Logged | undefined {
  const { verb, objectRef, responseStatus, ...rest } = event.parse(JSON.parse(line));
  if (verb === 'watch' && rest.stage !== 'ResponseStarted') return undefined;
  const { resource, subresource, name } = objectRef ?? { resource: rest.requestURI, name: '' };
  return {
    user: rest.user.username,
    verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    name,
    received: Date.parse(rest.requestReceivedTimestamp),
    answered: Date.parse(rest.stageTimestamp),
    code: responseStatus.code,
    body: rest.requestObject,
    revision: versioned.safeParse(rest.responseObject).data?.metadata.resourceVersion,
  };
}

/** What the log has of requests that were received at `from` or later. A last line that is not whole yet is left out. */
export async function readAuditLog(file: string, from: number): Promise<Logged[]> {
  const logged: Logged[] = [];
  for await (const line of linesOf(file)) {
    const each = parseLine(line);
    if (each && each.received >= from) logged.push(each);
  }
  return logged;
}

/** The whole lines of a log. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity }))
    if (line.endsWith('}')) yield line;
}
