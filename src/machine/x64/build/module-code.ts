/** Code of the native module: see module-layout.ts. */
import { assembleModule, type ModuleCode, type ModuleEmitters } from '../../assemble-module.js';
import { callRecord, type GlueData, NAPI_AUTO_LENGTH, nativeCall } from '../../glue-layout.js';
import { templateCall } from '../../module-layout.js';
import type { Gpr64, Memory } from '../asm/operands.js';
import { emitExports } from '../glue/module.js';
import { emitCallTarget } from '../glue/native-call.js';
import { Glue } from '../glue/parts.js';
import { emitCopyWords, emitFillWords } from './words.js';

const frameSlot = (displacement: number): Memory => ({ base: 'rbp', displacement });
/** In the frame of an exported function: a result, the two arguments, their number, the address of the record. */
const [result, secondArgument, firstArgument] = [frameSlot(-24), frameSlot(-32), frameSlot(-40)];
const [count, record, frameSize] = [frameSlot(-48), frameSlot(-56), 48];

const inRecord = (offset: number): Memory => ({ base: 'rbx', displacement: offset });
const inCallRecord = (offset: number): Memory => inRecord(nativeCall.record + offset);
const word = (index: number): Memory => inCallRecord(callRecord.general + 8 * index);

const emitters: ModuleEmitters<Glue> = {
  addressOf: exportedFunction(emitAddressOf),
  bufferAt: exportedFunction((glue) => {
    const { asm } = glue;
    asm.emit('mov r64, r/m64', 'rsi', word(0));
    asm.emit('mov r64, r/m64', 'rdx', word(1));
    zero(glue, 'rcx', 'r8'); // no finalizer
    asm.emit('lea r64, m', 'r9', result);
    callNapi(glue, 'napi_create_external_arraybuffer');
  }),
  call: exportedFunction(({ asm, labels }) => asm.emit('call rel32', labels.callTarget)),
  functionOf: exportedFunction(({ asm, labels }) => {
    asm.emit('call rel32', labels.callTarget);
    asm.emit('mov r64, r/m64', 'rdi', word(0));
    asm.emit('call r/m64', inCallRecord(templateCall.getCurrentContext));
    asm.emit('mov r64, r/m64', 'rdi', inCallRecord(callRecord.results));
    asm.emit('mov r64, r/m64', 'rsi', 'rax');
    asm.emit('call r/m64', inCallRecord(templateCall.getFunction));
    asm.emit('mov r/m64, r64', result, 'rax');
  }),
  initialise: exportedFunction(({ asm }) => {
    asm.emit('mov r64, r/m64', 'rdi', 'r12');
    asm.emit('mov r64, r/m64', 'rsi', secondArgument);
    asm.emit('call r/m64', word(0));
  }),
  lookup: exportedFunction((glue) => {
    const { asm } = glue;
    asm.emit('mov r64, r/m64', 'rax', glue.import('dlsym'));
    asm.emit('mov r/m64, r64', inRecord(nativeCall.target), 'rax');
    asm.emit('call rel32', glue.labels.callTarget);
  }),
  stringAt: exportedFunction((glue) => {
    const { asm } = glue;
    asm.emit('mov r64, r/m64', 'rsi', word(0));
    asm.emit('mov r/m64, imm32', 'rdx', NAPI_AUTO_LENGTH);
    asm.emit('lea r64, m', 'rcx', result);
    callNapi(glue, 'napi_create_string_utf8');
  }),
  callTarget: emitCallTarget,
  initialiseModule: emitExports,
  trampfd_copy_words: emitCopyWords,
  trampfd_fill_words: emitFillWords,
};

export function moduleCode(data: GlueData): ModuleCode {
  return assembleModule(new Glue(data), emitters);
}

/** Emits a function with the record at rbx and the environment in r12. It returns `result`: by default undefined. */
function exportedFunction(emitBody: (glue: Glue) => void): (glue: Glue) => void {
  return (glue) => {
    const { asm } = glue;
    const done = asm.label();
    glue.enter();
    asm.emit('sub r/m64, imm8', 'rsp', frameSize);
    asm.emit('mov r64, r/m64', 'r12', 'rdi');
    asm.emit('mov r/m64, imm32', result, 0);
    asm.emit('mov r/m64, imm32', count, 2);
    asm.emit('lea r64, m', 'rdx', count);
    asm.emit('lea r64, m', 'rcx', firstArgument);
    zero(glue, 'r8', 'r9');
    callNapi(glue, 'napi_get_cb_info');
    asm.emit('test r/m32, r32', 'eax', 'eax');
    asm.emit('jne rel32', done);
    asm.emit('mov r64, r/m64', 'rsi', firstArgument);
    asm.emit('lea r64, m', 'rdx', record);
    zero(glue, 'rcx');
    callNapi(glue, 'napi_get_arraybuffer_info');
    asm.emit('test r/m32, r32', 'eax', 'eax');
    asm.emit('jne rel32', done);
    asm.emit('mov r64, r/m64', 'rbx', record);
    emitBody(glue);
    asm.bind(done);
    asm.emit('mov r64, r/m64', 'rax', result);
    glue.leave();
  };
}

/** Tries the kinds of memory in turn. The address stays 0 if the argument is of no kind. */
function emitAddressOf(glue: Glue): void {
  const { asm } = glue;
  const found = asm.label();
  asm.emit('mov r/m64, imm32', word(0), 0);
  asm.emit('mov r64, r/m64', 'rsi', secondArgument);
  zero(glue, 'rdx', 'rcx', 'r9');
  asm.emit('lea r64, m', 'r8', word(0));
  asm.emit('mov r/m64, imm32', { base: 'rsp' }, 0); // the seventh argument
  callNapi(glue, 'napi_get_typedarray_info');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('je rel32', found);
  asm.emit('mov r64, r/m64', 'rsi', secondArgument);
  asm.emit('lea r64, m', 'rdx', word(0));
  zero(glue, 'rcx');
  callNapi(glue, 'napi_get_arraybuffer_info');
  asm.emit('test r/m32, r32', 'eax', 'eax');
  asm.emit('je rel32', found);
  asm.emit('mov r64, r/m64', 'rsi', secondArgument);
  zero(glue, 'rdx', 'r8', 'r9');
  asm.emit('lea r64, m', 'rcx', word(0));
  callNapi(glue, 'napi_get_dataview_info');
  asm.bind(found);
}

function callNapi(glue: Glue, name: string): void {
  glue.asm.emit('mov r64, r/m64', 'rdi', 'r12');
  glue.callImport(name);
}

function zero({ asm }: Glue, ...registers: Gpr64[]): void {
  for (const register of registers) asm.emit('mov r/m64, imm32', register, 0);
}
