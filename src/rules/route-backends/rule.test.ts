import { testRule } from '../../../test/support/rule-tester.ts';
import { routeBackends } from './rule.ts';

testRule(routeBackends, import.meta.dirname);
