import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisMetrics } from './rule.ts';

testRule(analysisMetrics, import.meta.dirname);
