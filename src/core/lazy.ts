/** Returns a function that creates a value at its first call: for values that are expensive and rarely needed. */
export function lazy<Value>(create: () => Value): () => Value {
  const memoized = memoize(create);
  return () => memoized(undefined);
}

/** Returns a function that creates the value for a key at its first call with that key. */
export function memoize<Key, Value>(create: (key: Key) => Value): (key: Key) => Value {
  const cache = new Map<Key, Value>();
  return (key) => {
    if (!cache.has(key)) cache.set(key, create(key));
    return cache.get(key)!;
  };
}
