import { testGrowth } from './linear.ts';
import { SHARING } from './dimensions/sharing.ts';

testGrowth(SHARING);
