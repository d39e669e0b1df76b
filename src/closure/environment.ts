/**
 * The glue of this thread: its code, the memory that it shares with JavaScript, and the functions that it has for
 * us. Each Worker has its own, as each has its own V8. It stays when the Worker ends, and answers for it.
 */
import { mapCode } from '../codepage/regions.js';
import { thisMachine } from '../linux/host.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  memoryAt,
  mmap,
  mprotect,
  mseal,
  PROT_READ,
  PROT_WRITE,
  pageSize,
} from '../linux/memory.js';
import { callbackAddress, importedFunction, loadModule, threadStack } from '../linux/napi.js';
import {
  constants,
  type ExportName,
  importAt,
  importNames,
  stateAt,
  state as stateLayout,
} from '../machine/glue-layout.js';
import type { GlueCode } from '../machine/index.js';
import { TrampfdError } from '../trampoline/errors.js';

/** The state that JavaScript and the glue share, in every form that values are read and written in. */
export interface State {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
}

export interface Environment {
  readonly state: State;
  /** Where closures lead to. */
  readonly closureEntry: bigint;
  readonly functions: Readonly<Record<ExportName, (...args: unknown[]) => unknown>>;
  /** Begins: `dispatch` answers for closures, `bridge` for those called on a stack that is not the thread's own. */
  attach(answerers: { readonly dispatch: () => void; readonly bridge: () => void }): void;
}

/** Bytes of the glue, roughly: two pages where pages are small. */
const glueLength = 8192;

const attempt = 'prepare calls between C and JavaScript';

export function openEnvironment(): Environment {
  const stateLength = Math.ceil(stateLayout.length / pageSize()) * pageSize();
  let code: GlueCode | undefined;
  const { address, codeLength } = mapCode(
    (length) => {
      code = thisMachine().glue(length);
      return code;
    },
    { method: undefined, dataLength: stateAt + stateLength, expected: glueLength },
  );
  const constantsAddress = address + BigInt(codeLength);
  const words = new BigUint64Array(mapData(constantsAddress, pageSize()));
  const state = views(mapData(constantsAddress + BigInt(stateAt), stateLength));
  const { low, high } = threadStack();
  words[constants.stackLow / 8] = low;
  words[constants.stackHigh / 8] = high;
  for (const name of importNames) words[importAt(name) / 8] = importedFunction(name);
  const functions = loadModule(address + BigInt(code!.initialiseAt)) as Environment['functions'];
  checkStatus(state);
  return {
    state,
    closureEntry: address + BigInt(code!.closureAt),
    functions,
    attach({ dispatch, bridge }) {
      words[constants.bridge / 8] = callbackAddress(bridge);
      functions.attach(dispatch, 'trampfd');
      checkStatus(state);
      mprotect(constantsAddress, pageSize(), PROT_READ);
      mseal(constantsAddress, pageSize());
    },
  };
}

/** Throws when Node-API refused something. */
export function checkStatus({ i32 }: State): void {
  const status = i32[stateLayout.status / 4]!;
  if (status === 0) return;
  throw new TrampfdError(`Cannot ${attempt}: Node-API answers ${status}`, { code: 'ERR_NAPI' });
}

function mapData(address: bigint, length: number): ArrayBuffer {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap({ address, length, prot: PROT_READ | PROT_WRITE, flags }, attempt);
  return memoryAt(address, length);
}

function views(memory: ArrayBuffer): State {
  return {
    bytes: new Uint8Array(memory),
    view: new DataView(memory),
    i32: new Int32Array(memory),
    u32: new Uint32Array(memory),
    f32: new Float32Array(memory),
    f64: new Float64Array(memory),
    i64: new BigInt64Array(memory),
    u64: new BigUint64Array(memory),
  };
}
