import { testRule } from '../../../test/support/rule-tester.ts';
import { autoscalerTarget } from './rule.ts';

testRule(autoscalerTarget, import.meta.dirname);
