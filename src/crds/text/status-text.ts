import { printable } from './printable.ts';
import { redactText } from './redact-text.ts';

/** The most characters of a message, and of the reason of a phase, a stage or a step. */
export const LONGEST_TEXT = 4096;

/**
 * A text as a status shows it: without secrets and control characters, and cut to the maximum length of the field. Every text with words of
 * others (the API server, webhooks, quotas, containers) passes here before it is stored, compared or reported.
 */
export function statusText(text: string, maxLength = 1024): string {
  const clean = printable(redactText(text));
  return clean.length <= maxLength ? clean : `${clean.slice(0, maxLength - 1)}…`;
}
