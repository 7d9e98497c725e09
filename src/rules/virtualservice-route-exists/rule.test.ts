import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceRouteExists } from './rule.ts';

testRule(virtualServiceRouteExists, import.meta.dirname);
