/**
 * Compares two resource versions of one kind of object. They are decimal numbers
 * that grow: etcd always made them so, and the API promises it since Kubernetes
 * 1.35. The comparison serves only to drop an object that is older than ours;
 * equality decides whether an object has changed.
 */
export function isOlder(a: string, b: string): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
