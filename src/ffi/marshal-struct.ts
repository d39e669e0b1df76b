/** Conversion of structures by value: objects in JavaScript, bytes in C. */

import { describeType } from '../core/validate.js';
import { type FieldType, type StructType, sizeOf } from '../machine/c-types.js';
import { addressOfBytes } from '../native/memory-view.js';
import type { GlueState } from './glue-instance.js';
import {
  checkedBoolean,
  checkedInteger,
  checkedNumber,
  pinned,
  type ReadCString,
  toCStringPointer,
  toInt64,
  toPointer,
} from './scalars.js';
import type { ValueLocation } from './value-locations.js';

/** Buffer for structures that are split among registers: at most four. */
const scratchStruct = new DataView(new ArrayBuffer(32));
const scratchBytes = new Uint8Array(scratchStruct.buffer);

export function readStruct(
  { byteOffset, struct, parts }: ValueLocation,
  state: GlueState,
  readCString: ReadCString,
): unknown {
  if (parts === undefined) return readObject(struct!, state.view, byteOffset, readCString);
  for (const part of parts) {
    for (let index = 0; index < part.size; index++)
      scratchBytes[part.offset + index] = state.bytes[part.byteOffset + index]!;
  }
  return readObject(struct!, scratchStruct, 0, readCString);
}

/**
 * Returns a value for `Marshaller.write`. Copies the fields of a structure: that may run code of the program (getters),
 * which must not happen while a call is written.
 */
export function snapshotValue({ struct, subject }: ValueLocation, value: unknown): unknown {
  return struct === undefined ? value : snapshotFields(struct, { value, subject });
}

/** @param fields a snapshot by {@link snapshotValue} */
export function writeStruct(location: ValueLocation, fields: unknown, state: GlueState): void {
  const { byteOffset, struct, parts, subject } = location;
  const labeled = { value: fields, subject };
  if (location.indirect) {
    const memory = new Uint8Array(struct!.size);
    writeField(struct!, new DataView(memory.buffer), 0, labeled);
    pinned.push(memory);
    state.u64[byteOffset / 8] = addressOfBytes(memory);
    return;
  }
  if (parts === undefined) {
    writeField(struct!, state.view, byteOffset, labeled);
    return;
  }
  writeField(struct!, scratchStruct, 0, labeled);
  for (const part of parts) {
    for (let index = 0; index < part.size; index++)
      state.bytes[part.byteOffset + index] = scratchBytes[part.offset + index]!;
  }
}

export function readObject(
  type: StructType,
  view: DataView,
  byteOffset: number,
  readCString: ReadCString,
): object {
  const object: Record<string, unknown> = {};
  for (const { name, offset, type: fieldType } of type.fields) {
    const value = readField(fieldType, view, byteOffset + offset, readCString);
    if (name in object) {
      // Assigning to `__proto__`, for example, would not create a property.
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
    } else {
      object[name] = value;
    }
  }
  return object;
}

function readField(type: FieldType, view: DataView, byteOffset: number, readCString: ReadCString): unknown {
  switch (type.kind) {
    case 'integer': {
      if (type.js === 'boolean') return view.getUint8(byteOffset) !== 0;
      if (type.size === 1) return type.signed ? view.getInt8(byteOffset) : view.getUint8(byteOffset);
      if (type.size === 2)
        return type.signed ? view.getInt16(byteOffset, true) : view.getUint16(byteOffset, true);
      if (type.size === 4)
        return type.signed ? view.getInt32(byteOffset, true) : view.getUint32(byteOffset, true);
      return type.signed ? view.getBigInt64(byteOffset, true) : view.getBigUint64(byteOffset, true);
    }
    case 'float':
      return type.size === 4 ? view.getFloat32(byteOffset, true) : view.getFloat64(byteOffset, true);
    case 'pointer': {
      const address = view.getBigUint64(byteOffset, true);
      return type.js === 'number' ? Number(address) : address;
    }
    case 'string':
      return readCString(view.getBigUint64(byteOffset, true));
    case 'struct':
      return readObject(type, view, byteOffset, readCString);
    case 'array':
      return Array.from({ length: type.length }, (_, index) =>
        readField(type.element, view, byteOffset + index * sizeOf(type.element), readCString),
      );
  }
}

interface LabeledValue {
  readonly value: unknown;
  readonly subject: string;
}

/** Returns the values of fields or elements in order. */
function snapshotFields(type: FieldType, { value, subject }: LabeledValue): unknown {
  if (type.kind === 'struct') {
    if (typeof value !== 'object' || value === null) {
      throw new TypeError(`${subject} must be an object, not ${describeType(value)}`);
    }
    return type.fields.map(({ name, type: fieldType }) => {
      const fieldValue = (value as Readonly<Record<string, unknown>>)[name];
      return snapshotFields(fieldType, { value: fieldValue, subject: `${subject}.${name}` });
    });
  }
  if (type.kind !== 'array') return value;
  if (!Array.isArray(value)) throw new TypeError(`${subject} must be an array, not ${describeType(value)}`);
  if (value.length !== type.length) {
    throw new RangeError(`${subject} must have ${type.length} elements, not ${value.length}`);
  }
  return Array.from({ length: type.length }, (_, index) =>
    snapshotFields(type.element, { value: value[index], subject: `${subject}[${index}]` }),
  );
}

function writeField(type: FieldType, view: DataView, byteOffset: number, labeled: LabeledValue): void {
  const { value, subject } = labeled;
  switch (type.kind) {
    case 'integer':
      if (type.js === 'boolean') view.setUint8(byteOffset, checkedBoolean(value, subject) ? 1 : 0);
      else if (type.size === 8) view.setBigInt64(byteOffset, toInt64(value, subject, type.signed), true);
      else writeInteger(view, byteOffset, type, labeled);
      break;
    case 'float':
      if (type.size === 4) view.setFloat32(byteOffset, checkedNumber(value, subject), true);
      else view.setFloat64(byteOffset, checkedNumber(value, subject), true);
      break;
    case 'pointer':
      view.setBigUint64(byteOffset, toPointer(value, subject), true);
      break;
    case 'string':
      view.setBigUint64(byteOffset, toCStringPointer(value, subject), true);
      break;
    case 'struct':
      for (const [index, { name, offset, type: fieldType }] of type.fields.entries()) {
        const field = { value: (value as unknown[])[index], subject: `${subject}.${name}` };
        writeField(fieldType, view, byteOffset + offset, field);
      }
      break;
    case 'array':
      for (const [index, element] of (value as unknown[]).entries()) {
        const elementOffset = byteOffset + index * sizeOf(type.element);
        writeField(type.element, view, elementOffset, { value: element, subject: `${subject}[${index}]` });
      }
  }
}

function writeInteger(
  view: DataView,
  byteOffset: number,
  { size, signed }: { size: number; signed: boolean },
  { value, subject }: LabeledValue,
): void {
  const range = 2 ** (8 * size);
  const checked = checkedInteger(value, subject, signed ? -range / 2 : 0, (signed ? range / 2 : range) - 1);
  if (size === 1) view.setInt8(byteOffset, checked);
  else if (size === 2) view.setInt16(byteOffset, checked, true);
  else view.setInt32(byteOffset, checked, true);
}
