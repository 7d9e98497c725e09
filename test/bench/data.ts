import { cpus } from 'node:os';
import type { ApiServerFigures } from './api-server.ts';
import type { BoundFigure } from './bounds.ts';
import type { ColdFigures } from './cold.ts';
import type { EngineFigure } from './engine.ts';
import type { GrowthFigure } from './growth.ts';
import type { SemiSpaceFigure } from './semi-space.ts';
import type { ServerFigures } from './server.ts';
import type { WhereFigures } from './where.ts';

/** What `docs/performance.json` has: the figures of the last whole run, or newer ones of parts. */
export interface Data {
  readonly node: string;
  readonly cpu: string;
  readonly engine: readonly EngineFigure[];
  readonly server: ServerFigures;
  readonly where: WhereFigures;
  readonly semiSpaces: readonly SemiSpaceFigure[];
  readonly cold: ColdFigures;
  readonly apiServer: ApiServerFigures;
  readonly bounds: readonly BoundFigure[];
  readonly growth: readonly GrowthFigure[];
}

/** Returns what is known about the machine. */
export function machine(): Pick<Data, 'node' | 'cpu'> {
  return { node: process.version, cpu: cpus()[0]?.model ?? 'unknown' };
}
