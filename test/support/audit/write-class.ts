/** Classifies the operator's writes. Pure. */
import { CLAIM_ANNOTATION } from '../../../src/crds/names.ts';
import type { ProxiedRequest } from '../network/holding-proxy.ts';
import { pathTemplate } from './path-template.ts';

/**
 * Every class. A claim that is written again, a stamp and a take-over occur only after a restart; a Job is mended or
 * withdrawn only where somebody changed it, or nothing of it starts; a strategy is removed only where its pool asks for it.
 */
export const WRITE_CLASSES = [
  'pool: lead',
  'pool: grant permits',
  'pool: free permits',
  'pool: show',
  'strategy: keep',
  'strategy: take over',
  'strategy: building',
  'strategy: ready-to-apply',
  'strategy: applying',
  'strategy: applied',
  'strategy: query-alarms',
  'strategy: lock-hosts',
  'strategy: migrate-instances-from-host',
  'strategy: sw-patch-hosts',
  'strategy: verify',
  'strategy: system-stabilize',
  'strategy: unlock-hosts',
  'strategy: record a Job',
  'strategy: record a withdrawal',
  'strategy: report',
  'strategy: remove',
  'host: claim',
  'host: claim again',
  'host: release',
  'pod: evict',
  'Job: make',
  'Job: start',
  'Job: mend',
  'Job: withdraw',
  'Job: stamp',
  'Job: remove',
] as const;
export type WriteClass = (typeof WRITE_CLASSES)[number];

/** A write without a class: it needs one, and a test that kills after it. */
export type Unlisted = `unlisted: ${string}`;

/**
 * The class of a write; undefined for reads, for events, and for the Lease,
 * which decides who writes and does not concern the hosts.
 */
export function writeClass(request: ProxiedRequest): WriteClass | Unlisted | undefined {
  if (request.method === 'GET') return undefined;
  const write = `${request.method} ${pathTemplate(request.path)}`;
  if (/\/(events|leases)(\/\{name\})?$/.test(write)) return undefined;
  const name = nameOf(write, JSON.stringify(request.body ?? null));
  return WRITE_CLASSES.find((each) => each === name) ?? `unlisted: ${name ?? write}`;
}

function nameOf(write: string, body: string): string | undefined {
  switch (
    write.replace(
      /^(\S+) \/apis?\/(?:.*\/)?v1(?:alpha1)?\/(?:namespaces\/\{namespace\}\/)?(?:(?:patch|upgrade)(?=strategies))?/,
      '$1 ',
    )
  ) {
    case 'PATCH hostpools/{name}/status':
      return `pool: ${poolChange(body)}`;
    case 'PATCH strategies/{name}':
      return 'strategy: keep';
    case 'PATCH strategies/{name}/status':
      return `strategy: ${strategyChange(body)}`;
    case 'DELETE strategies/{name}':
      return 'strategy: remove';
    case 'PATCH nodes/{name}':
      return `host: ${hostChange(body)}`;
    case 'POST pods/{name}/eviction':
      return 'pod: evict';
    case 'POST jobs':
      return 'Job: make';
    case 'PATCH jobs/{name}':
      if (body.includes('"suspend":true')) return 'Job: withdraw';
      if (body.includes('"path":"/spec/suspend","value":false')) return 'Job: start';
      return body.includes('"backoffLimit":0') ? 'Job: mend' : 'Job: stamp';
    case 'DELETE jobs':
    case 'DELETE jobs/{name}':
      return 'Job: remove';
    default:
      return undefined;
  }
}

function poolChange(body: string): string {
  if (/"path":"\/status(\/epoch)?"/.test(body)) return 'lead';
  if (body.includes('"op":"remove","path":"/status/permits/')) return 'free permits';
  return /"path":"\/status\/permits(\/-","value":|","value":\[)\{/.test(body) ? 'grant permits' : 'show';
}

function hostChange(body: string): string {
  if (body.includes(`"${CLAIM_ANNOTATION}":null`)) return 'release';
  return body.includes('"unschedulable":true') ? 'claim' : 'claim again';
}

/** A patch names only the changes: the state, the step, or the results of its hosts. */
function strategyChange(body: string): string {
  if (/"withdrawn":true|\/withdrawn","value":true/.test(body)) return 'record a withdrawal';
  const state = changed(body, '/status', 'state');
  if (state !== undefined) return state;
  if (/^\[\{[^}]*\},\{[^}]*\},\{"op":"\w+","path":"\/status\/run\/epoch","value":\d+\}\]$/.test(body))
    return 'take over';
  if (/"reason":"starting Job|\/reason","value":"starting Job/.test(body)) return 'record a Job';
  return changed(body, '/status/progress', 'step') ?? 'report';
}

/** The text that a patch gives a field, by itself or with the object that the field is in. */
function changed(body: string, object: string, field: string): string | undefined {
  const own = new RegExp(`"path":"${object}/${field}","value":"([a-z-]+)"`).exec(body)?.[1];
  return (
    own ?? new RegExp(`"path":"${object}","value":\\{(?:[^{}]*,)?"${field}":"([a-z-]+)"`).exec(body)?.[1]
  );
}
