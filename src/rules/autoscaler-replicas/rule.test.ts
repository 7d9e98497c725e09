import { testRule } from '../../../test/support/rule-tester.ts';
import { autoscalerReplicas } from './rule.ts';

testRule(autoscalerReplicas, import.meta.dirname);
