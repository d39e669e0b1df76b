/** Code of the native module: see module-layout.ts. */
import { assembleModule, type ModuleCode, type ModuleEmitters } from '../../assemble-module.js';
import { callRecord, type GlueData, NAPI_AUTO_LENGTH, nativeCall } from '../../glue-layout.js';
import { templateCall } from '../../module-layout.js';
import type { Gpr64 } from '../asm/operands.js';
import { emitExports } from '../glue/module.js';
import { emitCallTarget } from '../glue/native-call.js';
import { Glue } from '../glue/parts.js';
import { emitCopyWords, emitFillWords } from './words.js';

/** On the stack of an exported function: a result, the two arguments, their number, the address of the record. */
const [result, firstArgument, secondArgument, count, record, frameSize] = [0, 8, 16, 24, 32, 48];

const word = (index: number): number => nativeCall.record + callRecord.general + 8 * index;

const emitters: ModuleEmitters<Glue> = {
  addressOf: exportedFunction(emitAddressOf),
  bufferAt: exportedFunction((glue) => {
    glue.ldr('x1', 'x19', word(0));
    glue.ldr('x2', 'x19', word(1));
    zero(glue, 'x3', 'x4'); // no finalizer
    addressInFrame(glue, 'x5', result);
    callNapi(glue, 'napi_create_external_arraybuffer');
  }),
  call: exportedFunction(({ asm, labels }) => asm.emit('bl <label>', labels.callTarget)),
  functionOf: exportedFunction((glue) => {
    const { asm } = glue;
    const call = (offset: number): void => {
      glue.ldr('x16', 'x19', nativeCall.record + offset);
      asm.emit('blr <Xn>', 'x16');
    };
    asm.emit('bl <label>', glue.labels.callTarget);
    glue.ldr('x0', 'x19', word(0));
    call(templateCall.getCurrentContext);
    asm.emit('mov <Xd>, <Xm>', 'x1', 'x0');
    glue.ldr('x0', 'x19', nativeCall.record + callRecord.results);
    call(templateCall.getFunction);
    glue.str('x0', 'sp', result);
  }),
  initialise: exportedFunction((glue) => {
    const { asm } = glue;
    asm.emit('mov <Xd>, <Xm>', 'x0', 'x20');
    glue.ldr('x1', 'sp', secondArgument);
    glue.ldr('x16', 'x19', word(0));
    asm.emit('blr <Xn>', 'x16');
  }),
  lookup: exportedFunction((glue) => {
    const { asm } = glue;
    asm.emit('ldr <Xt>, <label>', 'x11', glue.import('dlsym'));
    glue.str('x11', 'x19', nativeCall.target);
    asm.emit('bl <label>', glue.labels.callTarget);
  }),
  stringAt: exportedFunction((glue) => {
    glue.ldr('x1', 'x19', word(0));
    glue.asm.emit('mov <Xd>, #<negative>', 'x2', NAPI_AUTO_LENGTH);
    addressInFrame(glue, 'x3', result);
    callNapi(glue, 'napi_create_string_utf8');
  }),
  callTarget: emitCallTarget,
  copyBytes: (glue) => glue.emitCopy(),
  initialiseModule: emitExports,
  trampfd_copy_words: emitCopyWords,
  trampfd_fill_words: emitFillWords,
};

export function moduleCode(data: GlueData): ModuleCode {
  return assembleModule(new Glue(data), emitters);
}

/** Emits a function with the record at x19 and the environment in x20. It returns `result`: by default undefined. */
function exportedFunction(emitBody: (glue: Glue) => void): (glue: Glue) => void {
  return (glue) => {
    const { asm } = glue;
    const done = asm.label();
    glue.enter();
    asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', frameSize);
    asm.emit('mov <Xd>, <Xm>', 'x20', 'x0');
    glue.str('xzr', 'sp', result);
    asm.emit('mov <Xd>, #<imm>', 'x11', 2);
    glue.str('x11', 'sp', count);
    addressInFrame(glue, 'x2', count);
    addressInFrame(glue, 'x3', firstArgument);
    zero(glue, 'x4', 'x5');
    callNapi(glue, 'napi_get_cb_info');
    asm.emit('cbnz <Wt>, <label>', 'w0', done);
    glue.ldr('x1', 'sp', firstArgument);
    addressInFrame(glue, 'x2', record);
    zero(glue, 'x3');
    callNapi(glue, 'napi_get_arraybuffer_info');
    asm.emit('cbnz <Wt>, <label>', 'w0', done);
    glue.ldr('x19', 'sp', record);
    emitBody(glue);
    asm.bind(done);
    glue.ldr('x0', 'sp', result);
    glue.leave();
  };
}

/** Tries the kinds of memory in turn. The address stays 0 if the argument is of no kind. */
function emitAddressOf(glue: Glue): void {
  const { asm } = glue;
  const found = asm.label();
  const addressOfWord = (register: Gpr64): void => {
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', register as 'x0', 'x19', word(0));
  };
  glue.str('xzr', 'x19', word(0));
  glue.ldr('x1', 'sp', secondArgument);
  zero(glue, 'x2', 'x3', 'x5', 'x6');
  addressOfWord('x4');
  callNapi(glue, 'napi_get_typedarray_info');
  asm.emit('cbz <Wt>, <label>', 'w0', found);
  glue.ldr('x1', 'sp', secondArgument);
  addressOfWord('x2');
  zero(glue, 'x3');
  callNapi(glue, 'napi_get_arraybuffer_info');
  asm.emit('cbz <Wt>, <label>', 'w0', found);
  glue.ldr('x1', 'sp', secondArgument);
  zero(glue, 'x2', 'x4', 'x5');
  addressOfWord('x3');
  callNapi(glue, 'napi_get_dataview_info');
  asm.bind(found);
}

function callNapi(glue: Glue, name: string): void {
  glue.asm.emit('mov <Xd>, <Xm>', 'x0', 'x20');
  glue.callImport(name);
}

function addressInFrame({ asm }: Glue, register: Gpr64, offset: number): void {
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', register as 'x0', 'sp', offset);
}

function zero({ asm }: Glue, ...registers: Gpr64[]): void {
  for (const register of registers) asm.emit('mov <Xd>, #<imm>', register, 0);
}
