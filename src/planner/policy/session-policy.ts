/** What a pool permits of the downloads and the workflow of a session. Pure. */
import type { ActionPolicy } from '../../crds/spec/action-policy.ts';
import type { SessionTerms } from '../../crds/spec/session-terms.ts';
import { WORKFLOW_NAMES } from '../../crds/vocabulary.ts';
import { oneOf } from './one-of.ts';

type PolicyOwner = {
  readonly name: string;
  readonly actionPolicy: Pick<ActionPolicy, 'downloads' | 'workflows'>;
};

/** Why a session may not have a workflow that does not come with Careen. */
export function workflowViolations(
  { workflow }: Pick<SessionTerms, 'workflow'>,
  { name, actionPolicy: { workflows = [] } }: PolicyOwner,
): string[] {
  const allowed = [...WORKFLOW_NAMES, ...workflows];
  if (allowed.includes(workflow)) return [];
  return [
    `spec.workflow is "${workflow}", which rule actionPolicy.workflows of HostPool ${name} does not admit; ` +
      oneOf('use', allowed),
  ];
}

/** One sentence for each download that the pool does not admit. A redirect and what is fetched are judged later. */
export function downloadViolations(
  { downloads = [] }: Pick<SessionTerms, 'downloads'>,
  { name, actionPolicy: { downloads: policy } }: PolicyOwner,
): string[] {
  return downloads.flatMap(({ url, maxBytes = 0 }, index) => {
    const at = `spec.downloads[${String(index)}]`;
    if (!policy)
      return [`${at} is set, which HostPool ${name} does not admit (actionPolicy.downloads); leave it out`];
    const host = hostOf(url);
    const found = allowsHost(policy.hosts, host)
      ? []
      : [
          `${at}.url is of the host ${host}, which rule actionPolicy.downloads.hosts of HostPool ${name} does not admit; ` +
            oneOf('use', policy.hosts),
        ];
    const most = policy.maxBytes;
    return maxBytes <= most
      ? found
      : [
          ...found,
          `${at}.maxBytes is ${String(maxBytes)}, which rule actionPolicy.downloads.maxBytes of HostPool ${name} does not ` +
            `admit; set it to ${String(most)} or less`,
        ];
  });
}

const IS_ADDRESS = /^[\d.]+$|:/;

/** The host of an address as patterns name it: without the brackets of IPv6, and without a full stop at its end. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

/** Whether one of the patterns names the host; `*.example.com` stands for every name below example.com, `*.1` for no address. */
export function allowsHost(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*.') ? !IS_ADDRESS.test(host) && host.endsWith(pattern.slice(1)) : pattern === host,
  );
}
