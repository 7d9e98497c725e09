import { testRule } from '../../../test/support/rule-tester.ts';
import { workloadDoubleCapacity } from './rule.ts';

testRule(workloadDoubleCapacity, import.meta.dirname);
