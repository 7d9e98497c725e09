#!/usr/bin/env node
import process from 'node:process';
import { nodeProblem } from './node-version.ts';

// The reader of a report may have seen enough: `rollgate lint . | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const problem = nodeProblem(process.version);
if (problem === undefined) {
  // Not imported at the top: an old Node.js fails to link these files before it runs the first line of this one.
  const { keepCompiledCode } = await import('./compile-cache.ts');
  keepCompiledCode(process.argv.slice(2), process.env);
  const [{ main }, { processIo }] = await Promise.all([import('./program.ts'), import('./commands/io.ts')]);
  const code = await main(process.argv.slice(2), processIo());
  if (code !== undefined) process.exitCode = code;
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}
