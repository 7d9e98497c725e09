import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisTemplateCycle } from './rule.ts';

testRule(analysisTemplateCycle, import.meta.dirname);
