#!/usr/bin/env node
import process from 'node:process';
import { processIo } from './commands/io.ts';
import { main } from './program.ts';

// Who reads a report may have seen enough: `rollgate lint . | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const code = await main(process.argv.slice(2), processIo());
if (code !== undefined) process.exitCode = code;
