import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisProvider } from './rule.ts';

testRule(analysisProvider, import.meta.dirname);
