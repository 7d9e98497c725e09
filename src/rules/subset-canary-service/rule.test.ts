import { testRule } from '../../../test/support/rule-tester.ts';
import { subsetCanaryService } from './rule.ts';

testRule(subsetCanaryService, import.meta.dirname);
