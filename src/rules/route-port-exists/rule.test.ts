import { testRule } from '../../../test/support/rule-tester.ts';
import { routePortExists } from './rule.ts';

testRule(routePortExists, import.meta.dirname);
