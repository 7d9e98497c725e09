import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisStartingStep } from './rule.ts';

testRule(analysisStartingStep, import.meta.dirname);
