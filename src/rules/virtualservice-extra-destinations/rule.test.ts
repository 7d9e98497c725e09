import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceExtraDestinations } from './rule.ts';

testRule(virtualServiceExtraDestinations, import.meta.dirname);
