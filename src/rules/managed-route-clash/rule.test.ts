import { testRule } from '../../../test/support/rule-tester.ts';
import { managedRouteClash } from './rule.ts';

testRule(managedRouteClash, import.meta.dirname);
