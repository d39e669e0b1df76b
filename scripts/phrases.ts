/**
 * Finds phrases that CONTRIBUTING.md replaces by plainer ones, in comments, strings and Markdown. cspell.json has the
 * single words. Prints each match with a better phrase, and exits with 1.
 *
 *     node build/scripts/phrases.js [root]
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Regular expressions, in which a space is also the end of a line of a comment, with what to write instead. */
const phrases: readonly (readonly [phrase: string, instead: string])[] = [
  ['/\\*\\* (?:What|Where|Who|Whose|For what)', 'begin with a noun or a verb'],
  ['nothing (?:when|where|if|unless)', 'undefined, empty'],
  ['leads? (?:on )?to', 'points to, jumps to, continues at'],
  ['(?:is|are|was|were|be|been) told', 'receives, is configured with'],
  ['tells? (?:whether|what|who|where|how|of|apart|nothing)', 'returns, reports, distinguishes'],
  ['stands? (?:in|at|on|there|where|here|behind|before|below|above|out)', 'is, is stored'],
  ['go(?:es)? on', 'continues, jumps to'],
  ['in the end', 'finally'],
  ['g(?:iv(?:e|es|en)|ave) back', 'releases, restores'],
  ['t(?:ake|akes|aken|ook) back', 'reverts, frees'],
  ['(?:is|are) gone', 'exited, was freed, was unmapped'],
  ['right behind', 'immediately after'],
];
const patterns = phrases.map(([phrase, instead]) => ({
  pattern: new RegExp(`(?<![\\w-])${phrase.replaceAll(' ', '(?: |\\n[ \\t]*(?:\\*|//)? *)')}\\b`, 'gi'),
  instead,
}));

const folders = ['src', 'include', 'bench', 'scripts', 'test', 'examples', 'docs'];
/** The benchmark writes docs/benchmarks.md; the others quote phrases. */
const exempt = ['docs/benchmarks.md', 'scripts/phrases.ts', 'test/scripts/checks.test.ts'];

/** All matches in a project, as lines for people. Throws without files: a check that sees nothing must not pass. */
export function findPhrases(root: string): string[] {
  const documents = readdirSync(root).filter((name) => name.endsWith('.md'));
  const files = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .concat(documents)
    .filter((path) => /\.(ts|mjs|c|cc|h|S|md)$/.test(path) && !path.includes('node_modules'))
    .filter((path) => !exempt.includes(path));
  if (files.length === 0) throw new Error(`No files in ${root}`);
  return files.flatMap((path) => phrasesIn(path, readFileSync(join(root, path), 'utf8')));
}

/** The matches in one text. */
export function phrasesIn(path: string, text: string): string[] {
  return patterns.flatMap(({ pattern, instead }) =>
    [...text.matchAll(pattern)].map((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      return `${path}:${line}: "${match[0].replaceAll(/\s+[*/]*\s*/g, ' ')}": ${instead}`;
    }),
  );
}

if (realpathSync(process.argv[1]!) === fileURLToPath(import.meta.url)) {
  const found = findPhrases(process.argv[2] ?? '.');
  for (const line of found) console.error(line);
  console.log(`Phrases: ${found.length} to rewrite`);
  if (found.length > 0) process.exitCode = 1;
}
