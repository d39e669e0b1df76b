/** Parsing the mount table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountOf, parseMounts, visibleMounts } from '#src/linux/fs/mounts.js';

test('mounts with special characters, stacked, and below a covered folder', () => {
  const line = (id: number, parent: number, path: string, options = 'rw') =>
    `${id} ${parent} 0:${id} / ${path} ${options},relatime shared:1 master:2 - tmpfs none rw\n`;
  const all = parseMounts(
    line(1, 0, '/') +
      line(2, 1, '/a\\040b\\011c\\134d') +
      line(3, 1, '/mnt/in') +
      line(4, 3, '/mnt/in/deep') +
      line(5, 1, '/mnt') +
      line(6, 1, '/dev') +
      line(7, 6, '/dev/shm') +
      line(8, 7, '/dev/shm', 'ro,noexec'),
  );
  assert.equal(all[1]!.path, '/a b\tc\\d');
  assert.deepEqual(all[7]!.options, ['ro', 'noexec', 'relatime']);
  const visible = visibleMounts(all);
  assert.deepEqual(
    visible.map(({ id }) => id),
    [1, 2, 5, 6, 8],
  );
  assert.equal(mountOf('/mnt/in/deep/file', visible)?.id, 5);
  assert.equal(mountOf('/dev/shm/x', visible)?.id, 8);
  assert.equal(mountOf('/devices', visible)?.id, 1);
});
