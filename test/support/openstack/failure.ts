import { OpenStackError } from '../../../src/openstack/errors.ts';

/** The error of a request that must fail. */
export async function failure(request: Promise<unknown>): Promise<OpenStackError> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof OpenStackError) return error;
  throw new Error(`no OpenStackError but ${String(error)}`);
}
