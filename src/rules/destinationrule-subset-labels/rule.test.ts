import { testRule } from '../../../test/support/rule-tester.ts';
import { destinationRuleSubsetLabels } from './rule.ts';

testRule(destinationRuleSubsetLabels, import.meta.dirname);
