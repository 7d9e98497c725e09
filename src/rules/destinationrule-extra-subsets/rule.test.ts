import { testRule } from '../../../test/support/rule-tester.ts';
import { destinationRuleExtraSubsets } from './rule.ts';

testRule(destinationRuleExtraSubsets, import.meta.dirname);
