import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisPlaceholders } from './rule.ts';

testRule(analysisPlaceholders, import.meta.dirname);
