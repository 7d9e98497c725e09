import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisTemplates } from './rule.ts';

testRule(analysisTemplates, import.meta.dirname);
