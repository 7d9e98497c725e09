import { testRule } from '../../../test/support/rule-tester.ts';
import { routeUnmanaged } from './rule.ts';

testRule(routeUnmanaged, import.meta.dirname);
