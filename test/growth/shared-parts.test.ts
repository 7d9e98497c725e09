import { testGrowth } from './linear.ts';
import { SHARED_PARTS } from './dimensions/shared-parts.ts';

testGrowth(SHARED_PARTS);
