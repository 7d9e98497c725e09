import { testGrowth } from './linear.ts';
import { ANALYSES } from './dimensions/analyses.ts';

testGrowth(ANALYSES);
