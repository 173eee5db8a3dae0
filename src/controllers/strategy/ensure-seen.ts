import { ABORT_ANNOTATION, REQUEST_ANNOTATION, SEEN_ANNOTATION } from '../../crds/names.ts';
import type { Strategy } from '../../resources/stored-strategy.ts';
import type { StrategyDeps } from './strategy-deps.ts';

/**
 * Marks a strategy that has a request, before the request is answered. Should its status be lost later, with the answers,
 * the mark tells that the request may have been carried out. A copy of the object has another uid.
 */
export async function ensureSeen({ api }: Pick<StrategyDeps, 'api'>, strategy: Strategy): Promise<Strategy> {
  const { annotations, uid } = strategy.metadata;
  const isAsked = ABORT_ANNOTATION in annotations || REQUEST_ANNOTATION in annotations;
  if (!isAsked || annotations[SEEN_ANNOTATION] === uid) return strategy;
  return api.writeAnnotations(strategy, { [SEEN_ANNOTATION]: uid });
}
