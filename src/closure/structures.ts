/** Structures by value: objects in JavaScript, bytes in C. Arrays in them are arrays. */
import { type FieldType, type StructType, sizeOf } from '../abi/c-types.js';
import { addressOfBytes } from '../linux/memory.js';
import { kind } from '../trampoline/values.js';
import type { State } from './environment.js';
import type { Place } from './places.js';
import { boolean, integer, long, number, pins, pointer, textPointer, type Values } from './values.js';

/** The C string at an address. */
type TextAt = Values['textAt'];

/** Pieces of structures in registers come together here: no more than four registers. */
const staged = new DataView(new ArrayBuffer(32));
const stagedBytes = new Uint8Array(staged.buffer);

export function readStruct({ at, struct, pieces }: Place, state: State, textAt: TextAt): unknown {
  if (pieces === undefined) return readObject(struct!, state.view, at, textAt);
  for (const piece of pieces) {
    for (let index = 0; index < piece.size; index++)
      stagedBytes[piece.offset + index] = state.bytes[piece.at + index]!;
  }
  return readObject(struct!, staged, 0, textAt);
}

/**
 * A value for `Values.write`. Of a structure that is what its fields hold: code of the program may run for that
 * (getters), and none must run once a call is being written.
 */
export function prepare({ struct, subject }: Place, value: unknown): unknown {
  return struct === undefined ? value : snapshot(struct, { value, subject });
}

/** @param fields as {@link prepare} took them */
export function writeStruct(place: Place, fields: unknown, state: State): void {
  const { at, struct, pieces, subject } = place;
  const given = { value: fields, subject };
  if (place.byAddress) {
    const memory = new Uint8Array(struct!.size);
    writeField(struct!, new DataView(memory.buffer), 0, given);
    pins.push(memory);
    state.u64[at / 8] = addressOfBytes(memory);
    return;
  }
  if (pieces === undefined) {
    writeField(struct!, state.view, at, given);
    return;
  }
  writeField(struct!, staged, 0, given);
  for (const piece of pieces) {
    for (let index = 0; index < piece.size; index++)
      state.bytes[piece.at + index] = stagedBytes[piece.offset + index]!;
  }
}

export function readObject(type: StructType, view: DataView, at: number, textAt: TextAt): object {
  const object: Record<string, unknown> = {};
  for (const { name, offset, type: fieldType } of type.fields) {
    const value = readField(fieldType, view, at + offset, textAt);
    if (name in object) {
      // `__proto__`, say: assigning would do something else.
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
    } else {
      object[name] = value;
    }
  }
  return object;
}

function readField(type: FieldType, view: DataView, at: number, textAt: TextAt): unknown {
  switch (type.kind) {
    case 'integer': {
      if (type.js === 'boolean') return view.getUint8(at) !== 0;
      if (type.size === 1) return type.signed ? view.getInt8(at) : view.getUint8(at);
      if (type.size === 2) return type.signed ? view.getInt16(at, true) : view.getUint16(at, true);
      if (type.size === 4) return type.signed ? view.getInt32(at, true) : view.getUint32(at, true);
      return type.signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
    }
    case 'float':
      return type.size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
    case 'pointer': {
      const address = view.getBigUint64(at, true);
      return type.js === 'number' ? Number(address) : address;
    }
    case 'string':
      return textAt(view.getBigUint64(at, true));
    case 'struct':
      return readObject(type, view, at, textAt);
    case 'array':
      return Array.from({ length: type.length }, (_, index) =>
        readField(type.element, view, at + index * sizeOf(type.element), textAt),
      );
  }
}

interface Given {
  readonly value: unknown;
  readonly subject: string;
}

/** The values of fields, or of elements, in their order. */
function snapshot(type: FieldType, { value, subject }: Given): unknown {
  if (type.kind === 'struct') {
    if (typeof value !== 'object' || value === null) {
      throw new TypeError(`${subject} must be an object, not ${kind(value)}`);
    }
    return type.fields.map(({ name, type: fieldType }) => {
      const given = (value as Readonly<Record<string, unknown>>)[name];
      return snapshot(fieldType, { value: given, subject: `${subject}.${name}` });
    });
  }
  if (type.kind !== 'array') return value;
  if (!Array.isArray(value)) throw new TypeError(`${subject} must be an array, not ${kind(value)}`);
  if (value.length !== type.length) {
    throw new RangeError(`${subject} must have ${type.length} elements, not ${value.length}`);
  }
  return Array.from({ length: type.length }, (_, index) =>
    snapshot(type.element, { value: value[index], subject: `${subject}[${index}]` }),
  );
}

function writeField(type: FieldType, view: DataView, at: number, given: Given): void {
  const { value, subject } = given;
  switch (type.kind) {
    case 'integer':
      if (type.js === 'boolean') view.setUint8(at, boolean(value, subject) ? 1 : 0);
      else if (type.size === 8) view.setBigInt64(at, long(value, subject, type.signed), true);
      else writeInteger(view, at, type, given);
      break;
    case 'float':
      if (type.size === 4) view.setFloat32(at, number(value, subject), true);
      else view.setFloat64(at, number(value, subject), true);
      break;
    case 'pointer':
      view.setBigUint64(at, pointer(value, subject), true);
      break;
    case 'string':
      view.setBigUint64(at, textPointer(value, subject), true);
      break;
    case 'struct':
      for (const [index, { name, offset, type: fieldType }] of type.fields.entries()) {
        const field = { value: (value as unknown[])[index], subject: `${subject}.${name}` };
        writeField(fieldType, view, at + offset, field);
      }
      break;
    case 'array':
      for (const [index, element] of (value as unknown[]).entries()) {
        const place = at + index * sizeOf(type.element);
        writeField(type.element, view, place, { value: element, subject: `${subject}[${index}]` });
      }
  }
}

function writeInteger(
  view: DataView,
  at: number,
  { size, signed }: { size: number; signed: boolean },
  { value, subject }: Given,
): void {
  const range = 2 ** (8 * size);
  const checked = integer(value, subject, signed ? -range / 2 : 0, (signed ? range / 2 : range) - 1);
  if (size === 1) view.setInt8(at, checked);
  else if (size === 2) view.setInt16(at, checked, true);
  else view.setInt32(at, checked, true);
}
