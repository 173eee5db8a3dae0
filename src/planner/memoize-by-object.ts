/** Computes a value once for each object. The object must not change; its value is kept for its lifetime. */
export function memoizeByObject<K extends object, V>(compute: (object: K) => V): (object: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (object) => {
    const kept = known.get(object) ?? { value: compute(object) };
    known.set(object, kept);
    return kept.value;
  };
}
