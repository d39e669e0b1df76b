/** From a prototype and options to the callback interface. */
import { knownOptions, oneOf, optionalBoolean } from '../core/validate.js';
import { hostMachine } from '../native/host.js';
import { type CallbackInterface, interfaceFor } from './callback-interface.js';
import type { CallbackRegistry } from './callback-registry.js';
import { parsePrototype } from './prototype/parse.js';
import type { Runtime } from './runtime.js';

const optionNames = ['errorResult', 'crossThread', 'awaitResult', 'name', 'debug', 'perfMap'] as const;

/** Looks prototype texts without options up in the registry, and parses everything else. */
export function findInterface(
  prototype: unknown,
  options: unknown,
  registry: CallbackRegistry,
): CallbackInterface {
  if (options !== undefined) return parseInterface(prototype, options, registry.runtime);
  if (typeof prototype !== 'string') return parseInterface(prototype, {}, registry.runtime);
  const callbackInterface =
    registry.interfacesByPrototype.get(prototype) ?? parseInterface(prototype, {}, registry.runtime);
  registry.interfacesByPrototype.set(prototype, callbackInterface);
  registry.cachedPrototype = prototype;
  registry.cachedInterface = callbackInterface;
  return callbackInterface;
}

function parseInterface(prototype: unknown, options: unknown, runtime: Runtime): CallbackInterface {
  const { errorResult, crossThread, awaitResult } = knownOptions(options, 'options', optionNames);
  const interfaceOptions = {
    crossThread: oneOf(crossThread, 'crossThread', ['block', 'queue', 'reject']),
    awaitResult: optionalBoolean(awaitResult, 'awaitResult'),
    errorResult,
  };
  const signature = parsePrototype(prototype, hostMachine().ffi.cPlatform);
  if (interfaceOptions.crossThread === 'queue' && signature.result.kind !== 'void') {
    throw new TypeError("crossThread: 'queue' requires a prototype that returns void");
  }
  if (interfaceOptions.awaitResult && interfaceOptions.crossThread !== 'block') {
    throw new TypeError("awaitResult requires crossThread: 'block'");
  }
  return interfaceFor(signature, interfaceOptions, runtime);
}
