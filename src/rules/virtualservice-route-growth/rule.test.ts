import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceRouteGrowth } from './rule.ts';

testRule(virtualServiceRouteGrowth, import.meta.dirname);
