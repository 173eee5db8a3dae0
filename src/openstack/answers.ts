/** Reads answers, which may have any shape. */
import { z } from 'zod';
import { OpenStackError } from './errors.ts';

/** The answer in its shape. Throws an OpenStackError that names the field, never its value. */
export function understood<T>(schema: z.ZodType<T>, answer: unknown, label: string): T {
  const { data, error } = schema.safeParse(answer);
  if (!error) return data;
  const [issue] = error.issues;
  return notUnderstood(label, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

export function notUnderstood(label: string, why: string): never {
  throw new OpenStackError('unexpected-answer', `the answer to ${label} is not understood: ${why}`);
}

const linksSchema = z.array(z.object({ rel: z.string(), href: z.string() })).default([]);

/** The items of a page below `key`, and the marker of the next page, which `<key>_links` has. */
export function pageIn(
  answer: unknown,
  key: string,
  label: string,
): { readonly items: readonly unknown[]; readonly next: string | undefined } {
  const page = understood(z.record(z.string(), z.unknown()), answer, label);
  const items = understood(z.array(z.unknown()), page[key], `${label} (${key})`);
  const links = understood(linksSchema, page[`${key}_links`], `${label} (${key}_links)`);
  const next = links.find(({ rel }) => rel === 'next');
  if (!next) return { items, next: undefined };
  const marker = URL.parse(next.href, 'http://any')?.searchParams.get('marker');
  return { items, next: marker ?? notUnderstood(label, 'the link to the next page has no marker') };
}
