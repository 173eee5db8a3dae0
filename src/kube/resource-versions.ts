/**
 * Compares two resource versions of one kind of object. The API promises since
 * Kubernetes 1.35 what etcd always gave: decimal numbers that grow. They are
 * compared only to drop what is older than what we have; whether an object has
 * changed is a matter of equality.
 */
export function isOlder(a: string, b: string): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
