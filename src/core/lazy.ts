/** For what takes long to make, and few processes need all of: it is made when it is first asked for. */
export function lazy<Value>(make: () => Value): () => Value {
  const memoized = memoize(make);
  return () => memoized(undefined);
}

/** The same for a family, of which each is made by its key. */
export function memoize<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const cache = new Map<Key, Value>();
  return (key) => {
    if (!cache.has(key)) cache.set(key, make(key));
    return cache.get(key)!;
  };
}
