import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceDestinations } from './rule.ts';

testRule(virtualServiceDestinations, import.meta.dirname);
