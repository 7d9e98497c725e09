import { testRule } from '../../../test/support/rule-tester.ts';
import { canaryWeightPods } from './rule.ts';

testRule(canaryWeightPods, import.meta.dirname);
