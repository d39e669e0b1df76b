/**
 * Operands and instruction sequences that the parts of the glue share. Register use, unless a part specifies another
 * one: rbx is the interface of a callback, a request or a call, r12 a frame. Both are callee-saved. The stack is
 * aligned to 16 bytes at every call: psABI, section 3.2.2.
 */
import { GlueBase } from '../../assemble-glue.js';
import {
  callbackInterface,
  callFlags,
  callRecord,
  callsPerHandleScope,
  constants,
  frame,
  type GlueData,
  glueData,
  nativeCall,
  state,
  stateOffset,
} from '../../glue-layout.js';
import { Assembler } from '../asm/assembler.js';
import { type Gpr64, type Memory, xmm } from '../asm/operands.js';

/** Registers of arguments: psABI, section 3.2.3. Results are in rax and rdx, xmm0 and xmm1. */
export const argumentRegisters: readonly Gpr64[] = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];
const vectorRegisters = xmm.slice(0, 8);

/** In the frame of a callback: rdi on entry, the address for a result in memory. */
export const resultAddress: Memory = { base: 'rbp', displacement: -24 };

type OperandAt = (offset: number) => Memory;

export class Glue extends GlueBase<Assembler> {
  readonly constant: OperandAt;
  readonly state: OperandAt;
  /** Operand in the record of the current call. */
  readonly record: OperandAt;

  readonly #data: GlueData;

  constructor(data: GlueData = glueData) {
    super(new Assembler());
    this.#data = data;
    const constantsLabel = this.asm.label(data.constantsOffset);
    const stateLabel = this.asm.label(data.constantsOffset + stateOffset);
    this.constant = (addend) => ({ to: constantsLabel, addend });
    this.state = (addend) => ({ to: stateLabel, addend });
    this.record = (offset) => this.state(state.call + nativeCall.record + offset);
  }

  /** The address of an imported function. */
  import(name: string): Memory {
    return this.constant(this.#data.importOffset(name));
  }

  /** Calls a Node-API function with the environment as first argument. The others are loaded already. */
  callNapi(name: string): void {
    this.asm.emit('mov r64, r/m64', 'rdi', this.constant(constants.env));
    this.callImport(name);
  }

  callImport(name: string): void {
    this.asm.emit('call r/m64', this.import(name));
  }

  /** Loads the thread pointer into rax: the word at fs:0 is its own address (psABI, section 3.4.6). */
  loadThreadPointer(): void {
    this.asm.emit('mov r/m32, imm32', 'eax', 0);
    this.asm.emit('mov r64, fs:m64', 'rax', { base: 'rax' });
  }

  /** Stores the arguments of a callback, whose interface is at rbx, in a record. Uses rcx, rsi and rdi. */
  saveArguments(to: OperandAt): void {
    const { asm } = this;
    const [noVectors, done] = [asm.label(), asm.label()];
    for (const [index, register] of argumentRegisters.entries())
      asm.emit('mov r/m64, r64', to(callRecord.general + 8 * index), register);
    asm.emit('test r/m32, imm32', { base: 'rbx', displacement: callbackInterface.flags }, callFlags.vectors);
    asm.emit('je rel32', noVectors);
    for (const [index, register] of vectorRegisters.entries())
      asm.emit('movq m64, xmm', to(callRecord.vector + 8 * index), register);
    asm.bind(noVectors);
    asm.emit('mov r32, r/m32', 'ecx', { base: 'rbx', displacement: callbackInterface.stackSize });
    asm.emit('test r/m32, r32', 'ecx', 'ecx');
    asm.emit('je rel32', done);
    asm.emit('lea r64, m', 'rdi', to(callRecord.stack));
    asm.emit('lea r64, m', 'rsi', { base: 'rbp', displacement: 16 });
    asm.emit('rep movsb');
    asm.bind(done);
  }

  loadVectors(from: OperandAt): void {
    for (const [index, register] of vectorRegisters.entries())
      this.asm.emit('movq xmm, m64', register, from(callRecord.vector + 8 * index));
  }

  loadGeneral(from: OperandAt): void {
    for (const [index, register] of argumentRegisters.entries())
      this.asm.emit('mov r64, r/m64', register, from(callRecord.general + 8 * index));
  }

  saveResults(to: OperandAt): void {
    const { asm } = this;
    asm.emit('mov r/m64, r64', to(callRecord.results), 'rax');
    asm.emit('mov r/m64, r64', to(callRecord.results + 8), 'rdx');
    asm.emit('movq m64, xmm', to(callRecord.vectorResults), 'xmm0');
    asm.emit('movq m64, xmm', to(callRecord.vectorResults + 8), 'xmm1');
  }

  /** Loads the results at rsi. */
  loadResults(): void {
    const { asm } = this;
    asm.emit('mov r64, r/m64', 'rax', { base: 'rsi' });
    asm.emit('mov r64, r/m64', 'rdx', { base: 'rsi', displacement: 8 });
    const vectors = callRecord.vectorResults - callRecord.results;
    asm.emit('movq xmm, m64', 'xmm0', { base: 'rsi', displacement: vectors });
    asm.emit('movq xmm, m64', 'xmm1', { base: 'rsi', displacement: vectors + 8 });
  }

  /**
   * Returns from a callback, whose interface is at rbx, with the results at rsi. A result in memory follows them there.
   * @param emitReturn emits the return
   */
  returnResults(emitReturn: () => void): void {
    const { asm } = this;
    const inMemory = asm.label();
    asm.emit('mov r32, r/m32', 'ecx', { base: 'rbx', displacement: callbackInterface.resultSize });
    asm.emit('test r/m32, r32', 'ecx', 'ecx');
    asm.emit('jne rel32', inMemory);
    this.loadResults();
    emitReturn();
    asm.bind(inMemory);
    asm.emit('lea r64, m', 'rsi', { base: 'rsi', displacement: callRecord.stack - callRecord.results });
    asm.emit('mov r64, r/m64', 'rdi', resultAddress);
    asm.emit('mov r64, r/m64', 'rax', 'rdi'); // the function returns the address of its result: psABI, section 3.2.3
    asm.emit('rep movsb');
    emitReturn();
  }

  /** Calls the dispatcher in the scope of the frame at r12. ZF is set on success. */
  callDispatcher(): void {
    const { asm } = this;
    asm.emit('mov r64, r/m64', 'rsi', { base: 'r12', displacement: frame.dispatcher });
    asm.emit('mov r64, r/m64', 'rdx', 'rsi');
    asm.emit('mov r/m32, imm32', 'ecx', 0);
    asm.emit('mov r/m32, imm32', 'r8d', 0);
    asm.emit('mov r/m32, imm32', 'r9d', 0);
    this.callNapi('napi_call_function');
    asm.emit('test r/m32, r32', 'eax', 'eax');
  }

  /** Begins a function: rbx and r12 are free to use. The stack is aligned after it. */
  enter(): void {
    const { asm } = this;
    asm.emit('endbr64');
    asm.emit('push r/m64', 'rbp');
    asm.emit('mov r64, r/m64', 'rbp', 'rsp');
    asm.emit('push r/m64', 'rbx');
    asm.emit('push r/m64', 'r12');
  }

  /** Begins a function with a frame at r12. */
  enterWithFrame(): void {
    this.enter();
    this.pushFrame();
  }

  /** Pushes a frame without a scope. r12 is its address. */
  pushFrame(): void {
    const { asm } = this;
    asm.emit('sub r/m64, imm8', 'rsp', frame.size);
    asm.emit('mov r64, r/m64', 'r12', 'rsp');
    asm.emit('mov r/m64, imm32', { base: 'r12', displacement: frame.handleScope }, 0);
    asm.emit('mov r/m32, imm32', { base: 'r12', displacement: frame.callsLeft }, 0);
  }

  /** Ends a function that began with `enter`, whatever else is on the stack. */
  leave(): void {
    const { asm } = this;
    asm.emit('lea r64, m', 'rsp', { base: 'rbp', displacement: -16 });
    asm.emit('pop r/m64', 'r12');
    asm.emit('pop r/m64', 'rbx');
    asm.emit('pop r/m64', 'rbp');
    asm.emit('ret');
  }

  /** Subroutines that open a new scope for the frame at r12, in place of an older one, and that close it. */
  emitHandleScopes(): void {
    const { asm } = this;
    const noScope = asm.label();
    asm.bind(this.labels.openScope);
    asm.emit('sub r/m64, imm8', 'rsp', 8);
    asm.emit('cmp r/m64, imm32', { base: 'r12', displacement: frame.handleScope }, 0);
    asm.emit('je rel32', noScope);
    asm.emit('mov r64, r/m64', 'rsi', { base: 'r12', displacement: frame.handleScope });
    this.callNapi('napi_close_handle_scope');
    asm.bind(noScope);
    asm.emit('lea r64, m', 'rsi', { base: 'r12', displacement: frame.handleScope });
    this.callNapi('napi_open_handle_scope');
    asm.emit('mov r64, r/m64', 'rsi', this.constant(constants.dispatcher));
    asm.emit('lea r64, m', 'rdx', { base: 'r12', displacement: frame.dispatcher });
    this.callNapi('napi_get_reference_value');
    asm.emit('mov r/m32, imm32', { base: 'r12', displacement: frame.callsLeft }, callsPerHandleScope - 1);
    asm.emit('add r/m64, imm8', 'rsp', 8);
    asm.emit('ret');

    asm.bind(this.labels.closeScope);
    asm.emit('sub r/m64, imm8', 'rsp', 8);
    asm.emit('mov r64, r/m64', 'rsi', { base: 'r12', displacement: frame.handleScope });
    this.callNapi('napi_close_handle_scope');
    asm.emit('add r/m64, imm8', 'rsp', 8);
    asm.emit('ret');
  }
}
