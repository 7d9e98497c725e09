import { testGrowth } from './linear.ts';
import { PODS } from './dimensions/pods.ts';

testGrowth(PODS);
