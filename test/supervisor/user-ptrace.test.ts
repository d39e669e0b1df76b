/** Programs with slow objects handle their own signals, faults and children as without a supervisor. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { people, program, succeed, success } from '../support/slow-programs.js';
import { runPlain, runSupervised } from '../support/supervised.js';

const skip = needs('gcc', 'seccomp');

for (const { name, ids } of people) {
  describe(`signals, faults and children of a traced program, as ${name}`, { skip }, () => {
    const programs = {
      'own-faults': 'faults, traps and sent signals with handlers',
      'own-signals': 'alarms, stops and exits',
      'own-children': 'forks, execve, orphans and exits of 100 processes',
    };
    for (const [file, title] of Object.entries(programs)) {
      test(title, async () => {
        const alone = success(await runPlain(program(file), [], { ids }));
        assert.equal(await succeed(file, [], { ids }), alone);
      });
    }
  });
}

describe('a program ends as it would without a supervisor', { skip }, () => {
  for (const way of ['null', 'kill', 'abort', 'trap', 'term', 'exit']) {
    test(way, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'trampfd-core-'));
      try {
        const script = '"$0" "$@" 2>/dev/null; exit $?';
        const alone = await runPlain('sh', ['-c', script, program('dies'), way, folder]);
        const { status, stdout } = await runSupervised(program('dies'), [way, folder]);
        assert.deepEqual({ status, stdout }, { status: alone.status, stdout: alone.stdout });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
