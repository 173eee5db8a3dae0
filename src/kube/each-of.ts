/** Does something with each item, so many at once. Throws the first error. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  does: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await does(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
