import { testRule } from '../../../test/support/rule-tester.ts';
import { routeCanaryOnlyRule } from './rule.ts';

testRule(routeCanaryOnlyRule, import.meta.dirname);
