/** Computes a value once for each object, and keeps it for as long as somebody has the object, which must not change. */
export function memoizeByObject<K extends object, V>(compute: (object: K) => V): (object: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (object) => {
    const kept = known.get(object) ?? { value: compute(object) };
    known.set(object, kept);
    return kept.value;
  };
}
