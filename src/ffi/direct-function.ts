/** Functions of the glue without Node-API, which takes more time than what they do. */
import { v8Interface } from '../native/v8-function.js';
import type { GlueInstance } from './glue-instance.js';

type Name = 'invoke' | 'invokeFast' | 'fiberBegin' | 'fiberResume';

/**
 * Returns a function of the glue: the one that Node-API made if this build of Node does not allow others.
 * @param optimised whether V8's optimised code calls the glue directly: then no JavaScript may run before it returns
 */
export function directFunction(
  { functions, addressOf }: GlueInstance,
  name: Name,
  { optimised }: { optimised: boolean },
): () => void {
  const address = addressOf(name);
  try {
    return v8Interface().createFunction(
      address,
      optimised ? { address, result: 'void', args: [] } : undefined,
    );
  } catch {
    return functions[name] as () => void;
  }
}
