import { testRule } from '../../../test/support/rule-tester.ts';
import { workloadSelector } from './rule.ts';

testRule(workloadSelector, import.meta.dirname);
