/** For what takes long to make, and few processes need all of: it is made when it is first asked for. */
export function once<Value>(make: () => Value): () => Value {
  const made = onceEach(make);
  return () => made(undefined);
}

/** The same for a family, of which each is made by its key. */
export function onceEach<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key)!;
  };
}
