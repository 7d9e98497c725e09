import { testGrowth } from './linear.ts';
import { ROUTES } from './dimensions/routes.ts';

testGrowth(ROUTES);
