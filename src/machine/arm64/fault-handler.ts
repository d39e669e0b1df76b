import type { FaultHandlerCode } from '../machine.js';
import { Assembler } from './assembler.js';
export function faultHandler(_controlAt: number): FaultHandlerCode {
  return { key: 'fault-handler', bytes: new Assembler().finish(), types: {}, restorerAt: 0 };
}
